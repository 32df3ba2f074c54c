-- expect: memory
-- the same behind pcall
while true do pcall(function() local t = {} for i = 1, 100000 do t[i + 0.5] = i end end) end
