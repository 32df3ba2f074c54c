-- expect: memory killed
-- arguments by thousands, all kept
local t, keep = {}, {} for i = 1, 6000 do t[i] = i end for i = 1, 1e9 do keep[i] = {unpack(t)} end
