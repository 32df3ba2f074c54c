-- expect: killed
-- two functions that catch each other
local g local function f() pcall(g) end g = function() pcall(error, "x") return f() end while
    true do f() end
