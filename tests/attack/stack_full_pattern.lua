-- expect: error killed ok
-- the deepest pattern on the deepest stack
local function f() local ok = pcall(string.find, ("a"):rep(300), ("(a"):rep(30) .. (")"):rep(
    30)) return 1 + f() end f()
