-- expect: killed
-- the largest texts rewritten for ever
local s = ("x"):rep(1000000) while true do s = s:upper() s = s:lower() s = s:reverse() end
