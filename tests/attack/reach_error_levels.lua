-- expect: ok
-- error with any level stays inside
for level = -3, 60 do local ok, e = pcall(error, "x", level) assert(not ok and type(e)
    == "string") end
assert(not pcall(error, "x", 2^31)) assert(not pcall(error, "x", -2^31)) assert(not pcall(error,
     "x", 0/0))
