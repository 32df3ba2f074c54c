-- expect: killed
-- a megabyte of blanks read as a number, for ever
local s = (" "):rep(1000000) .. "1"
while true do local x = s + 0 end
