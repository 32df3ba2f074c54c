-- expect: killed
-- loops in loops
for i = 1, 1e6 do for j = 1, 1e6 do local x = i * j end end
