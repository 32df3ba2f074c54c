-- expect: killed
-- an endless loop inside __index
local t = setmetatable({}, {__index = function() while true do end end})
local x = t.y
