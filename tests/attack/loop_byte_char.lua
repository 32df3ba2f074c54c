-- expect: killed
-- texts to bytes and back for ever
local s = ("x"):rep(6000) while true do s = string.char(s:byte(1, -1)) end
