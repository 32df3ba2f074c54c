-- expect: ok
-- a comparator that returns nothing, or a thousand values
local t = {3, 1, 2} table.sort(t, function() end) local many = {} for i = 1, 1000 do many[i] =
    i end
table.sort(t, function() return unpack(many) end) assert(#t == 3)
