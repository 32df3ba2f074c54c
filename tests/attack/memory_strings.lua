-- expect: memory killed
-- texts without end
local t = {}
for i = 1, 1e9 do t[i] = "key" .. i end
