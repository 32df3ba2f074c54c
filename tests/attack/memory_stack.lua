-- expect: error
-- a stack as deep as it gets, with wide frames
local function f(n, ...) return 1 + f(n + 1, n, ...) end
f(1)
