-- expect: killed
-- next for ever
local t = {1}
while true do next(t) end
