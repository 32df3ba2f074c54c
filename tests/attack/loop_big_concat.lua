-- expect: killed memory
-- a new megabyte text each turn
local s = ("x"):rep(1000000)
local i = 0
while true do i = i + 1 local t = s .. i end
