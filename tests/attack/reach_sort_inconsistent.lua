-- expect: ok
-- a comparator that always says yes
local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() return true end) assert(
    #t == 1000)
local sum = 0 for i = 1, 1000 do sum = sum + t[i] end assert(sum == 500500)
