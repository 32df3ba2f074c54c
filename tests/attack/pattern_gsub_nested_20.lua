-- expect: error
-- gsub in its own callback
local function f(s) return (s:gsub(".", f)) end f("x")
