-- expect: killed
-- roots of decimals for ever
local d = decimal("123456789012345.5") while true do local r = d:sqrt() end
