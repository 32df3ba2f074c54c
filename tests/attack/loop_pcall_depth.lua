-- expect: error killed
-- pcall to its depth, again and again
local function f(n) if n == 0 then while true do end end local ok, e = pcall(f, n - 1) if not
    ok then error(e, 0) end end f(90)
