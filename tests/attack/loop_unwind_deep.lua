-- expect: killed
-- the deepest stack torn down for ever
local function f(n) if n == 0 then error("x") end return 1 + f(n - 1) end while true do pcall(f,
     10000) end
