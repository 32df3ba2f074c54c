-- expect: error
-- sorting more than is allowed
local t = {}
for i = 1, 20001 do t[i] = -i end
table.sort(t)
