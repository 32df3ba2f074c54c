-- expect: killed
-- drawing numbers for ever
while true do math.random(100) end
