-- expect: killed
-- an endless loop inside __eq
local m = {__eq = function() while true do end end}
local x = setmetatable({}, m) == setmetatable({}, m)
