-- expect: memory
-- a table of more keys than a table may have
local t = {} for i = 1, 100000 do t["k" .. i] = i end
