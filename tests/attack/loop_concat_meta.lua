-- expect: killed
-- __concat for ever
local t t = setmetatable({}, {__concat = function() return t end}) while true do local x = t ..
    t .. "a" .. t end
