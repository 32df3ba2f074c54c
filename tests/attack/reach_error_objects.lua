-- expect: error
-- an error object with hostile metamethods
error(setmetatable({}, {__tostring = function() while true do end end, __index = function() while
    true do end end, __concat = error}))
