-- expect: killed
-- arithmetic for ever
local x = 1
while true do x = math.sin(x) + math.sqrt(x * x) end
