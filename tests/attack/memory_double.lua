-- expect: memory killed
-- doubling a text
local s = "x"
while true do s = s .. s end
