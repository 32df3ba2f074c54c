-- expect: error sealed
-- a script that replaces what it was given hurts only itself
pcall = function() end print = nil tostring = nil type = nil string = nil setmetatable = nil
