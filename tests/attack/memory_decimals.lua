-- expect: memory killed
-- decimals without end
local t = {}
for i = 1, 1e9 do t[i] = decimal(i) end
