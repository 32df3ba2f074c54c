-- expect: ok
-- NUL in texts and patterns
local s = "a\0b\0c" assert(#s == 5 and s:find("\0", 1, true) == 2 and s:find("%z") == 2) assert(
    s:gsub("%z", "") == "abc") assert(s:match("b(.)c") == "\0")
