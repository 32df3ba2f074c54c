-- expect: error
-- a message that is an object
error({message = setmetatable({}, {__tostring = function() while true do end end})})
