-- expect: error
-- assert raises any value
assert(false, setmetatable({}, {__tostring = function() while true do end end}))
