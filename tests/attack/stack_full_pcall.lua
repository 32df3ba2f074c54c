-- expect: ok error killed
-- pcall recursion that keeps the stack full so that no hook has room
local function f() pcall(f) return f() end
f()
