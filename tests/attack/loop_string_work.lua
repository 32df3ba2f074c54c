-- expect: killed
-- long text operations in a loop
local s = ("x"):rep(500000)
while true do local t = s:upper() end
