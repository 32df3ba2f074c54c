-- expect: killed
-- decimals from texts and back for ever
while true do local d = decimal("123456789012345.123456789012") local s = tostring(d * 2) end
