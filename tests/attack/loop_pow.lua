-- expect: killed
-- powers for ever
local x = 1.0000001 while true do x = x ^ 1.0000001 end
