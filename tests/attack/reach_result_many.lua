-- expect: ok error
-- thousands of results
local t = {} for i = 1, 6000 do t[i] = i end return function() return unpack(t) end
