-- expect: error
-- gsub inside its own replacement
local function f(s) return (s:gsub(".", f)) end
f("a")
