-- expect: killed
-- much garbage, little that lives: ends by its budget, not by memory
while true do local t = {} for i = 1, 1000 do t[i] = {i} end end
