-- expect: ok
-- a result with hostile metamethods is read raw
return setmetatable({}, {__index = function() while true do end end, __len = function() while
    true do end end, __eq = error})
