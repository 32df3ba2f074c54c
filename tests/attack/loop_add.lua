-- expect: killed
-- an endless loop inside __add
local t = setmetatable({}, {__add = function() while true do end end})
local x = t + 1
