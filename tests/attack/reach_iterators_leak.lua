-- expect: ok
-- pairs hands out next and nothing more
local f, t, k = pairs({}) assert(f == next and type(t) == "table" and k == nil)
local g, u, z = ipairs({}) assert(type(g) == "function" and type(u) == "table" and z == 0)
assert(not pcall(g)) assert(not pcall(g, 1)) assert(g({}, 0) == nil) assert(not pcall(g, nil, 0))
assert(not pcall(next)) assert(not pcall(next, {}, "absent")) assert(not pcall(next, "x"))
