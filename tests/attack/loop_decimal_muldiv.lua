-- expect: killed
-- wide products for ever
local d = decimal("99999999999.5") while true do local r = d:muldiv(d, d) end
