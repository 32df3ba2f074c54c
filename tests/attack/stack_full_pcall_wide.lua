-- expect: ok error killed
-- the same with many locals
local function f(a, b, c, d, e) local x, y, z = 1, 2, 3 pcall(f, a, b, c, d, e) return f(x, y, z,
    d, e) end
f(1, 2, 3, 4, 5)
