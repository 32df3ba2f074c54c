-- expect: killed
-- an endless loop inside __call
local t = setmetatable({}, {__call = function() while true do end end})
t()
