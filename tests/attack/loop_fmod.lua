-- expect: killed
-- the slowest division there is
while true do local x = math.fmod(1e308, 5e-324) end
