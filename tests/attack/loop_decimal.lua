-- expect: killed
-- exact arithmetic for ever
local x, y = decimal("1.000001"), decimal("1.000001")
while true do local z = x * y / y + x end
