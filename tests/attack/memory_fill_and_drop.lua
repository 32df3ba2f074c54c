-- expect: ok killed
-- filled and dropped, again and again
for round = 1, 5 do local t = {} for i = 1, 20000 do t[i] = {i} end end
