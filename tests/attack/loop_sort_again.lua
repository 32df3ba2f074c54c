-- expect: killed
-- sorting for ever
local t = {} for i = 1, 5000 do t[i] = (i * 7919) % 5000 end while true do table.sort(t) end
