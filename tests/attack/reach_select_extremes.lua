-- expect: ok
-- select from beyond
for _, n in ipairs({0, -1, -2, -2^31, 2^31, 2^53, -2^63, 1/0, -1/0, 0/0, 0.5, "#", "x", "1"})
    do pcall(select, n, 1, 2) pcall(select, n) end
assert(select("#") == 0 and select(-1, 1, 2) == 2)
