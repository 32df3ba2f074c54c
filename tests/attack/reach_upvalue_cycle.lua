-- expect: ok
-- closures that hold each other and the box's functions
local function make(n) local f f = function() return f, make, pcall, n end return f end local
    keep = {} for i = 1, 500 do keep[i] = make(i) end
return function() return keep[1]() end
