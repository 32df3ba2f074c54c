-- expect: killed
-- unpacking thousands of values for ever
local t = {}
for i = 1, 7000 do t[i] = i end
while true do local n = select("#", unpack(t)) end
