-- expect: killed
-- a plain pattern of a megabyte looked at for specials
local p = ("x"):rep(1000000) while true do ("a"):find(p) end
