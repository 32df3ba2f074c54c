-- expect: error
-- sort inside its own comparator
local function f() table.sort({3, 2, 1}, f) return true end
f()
