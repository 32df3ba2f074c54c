-- expect: killed
-- maxn of a large list for ever
local t = {} for i = 1, 200000 do t[i] = i end while true do table.maxn(t) end
