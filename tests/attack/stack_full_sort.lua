-- expect: error killed
-- the stack filled from inside a comparator
local function f(a, b) return 1 + f(a, b) end table.sort({3, 2, 1}, f)
