-- expect: ok
-- pcall of itself; the depth is bounded and the error is an ordinary one
local function f(n) local ok, why = pcall(f, n + 1) return n end
f(1)
