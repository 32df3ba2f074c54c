-- expect: killed
-- an endless loop inside __newindex
local t = setmetatable({}, {__newindex = function() while true do end end})
t.y = 1
