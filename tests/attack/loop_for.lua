-- expect: killed
-- a counted loop of 10^12 turns
for i = 1, 1e12 do end
