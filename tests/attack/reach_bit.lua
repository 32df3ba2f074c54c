-- expect: ok
-- bit operations with odd numbers
for _, v in ipairs({0/0, 1/0, -1/0, 1e300, -1, 2^53}) do pcall(bit.lshift, v, v) pcall(bit.tohex,
    v, 1e9) end
