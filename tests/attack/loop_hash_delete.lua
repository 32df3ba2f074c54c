-- expect: killed memory
-- next over a table of deleted keys
local t = {}
for i = 1, 30000 do t["k" .. i] = 1 end
for k in pairs(t) do t[k] = nil end
while true do next(t) end
