-- expect: killed
-- an endless loop inside __tostring
tostring(setmetatable({}, {__tostring = function() while true do end end}))
