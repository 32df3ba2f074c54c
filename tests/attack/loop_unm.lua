-- expect: killed
-- an endless loop inside __unm, swallowed
local t = setmetatable({}, {__unm = function() while true do end end})
while true do pcall(function() return -t end) end
