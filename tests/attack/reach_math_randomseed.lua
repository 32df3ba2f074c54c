-- expect: ok
-- chance cannot be seeded by a script
assert(math.randomseed == nil) for i = 1, 100 do local x = math.random() assert(x >= 0 and x <
    1) end
assert(not pcall(math.random, 0)) assert(not pcall(math.random, 2, 1)) assert(not pcall(
    math.random, 1.5)) assert(math.random(3, 3) == 3)
pcall(math.random, -2^53, 2^53) assert(not pcall(math.random, 2^60))
