-- expect: memory killed ok
-- a full table of keys that is emptied and filled again
local t = {} for i = 1, 4000 do t[i + 0.5] = 1 end for round = 1, 1000 do t[round + 0.5] = nil
    t[-round - 0.5] = 1 end
