-- expect: ok error
-- a comparator that empties and grows what is sorted
local t = {} for i = 1, 200 do t[i] = (i * 7919) % 1000 end
table.sort(t, function(a, b) for i = 1, 5 do t[#t] = nil end t[#t + 1] = a return a < b end)
