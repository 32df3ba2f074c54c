-- expect: ok
-- a callback that fails and is caught inside a match
local n = 0 for i = 1, 50 do pcall(string.gsub, "abcdef", ".", function(c) n = n + 1 if c
    == "d" then error("x") end end) end assert(n == 200)
