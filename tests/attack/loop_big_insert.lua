-- expect: killed
-- inserting at the front of a long table for ever
local t = {}
for i = 1, 20000 do t[i] = i end
while true do table.insert(t, 1, 0) table.remove(t, 1) end
