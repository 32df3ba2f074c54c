-- expect: killed
-- an endless loop inside __concat
local t = setmetatable({}, {__concat = function() while true do end end})
local x = t .. "a"
