-- expect: ok
-- select and unpack with odd bounds
pcall(select, -1e9, 1) pcall(select, 2^31, 1) pcall(unpack, {}, 1, 1e8) pcall(unpack, {}, -2^31,
    2^31 - 1) pcall(unpack, {}, 1, 2^53)
pcall(table.concat, {}, "", 1, 2^31 - 1) pcall(table.concat, {}, "", -2^53, 2^53)
    pcall(string.char, -1) pcall(string.byte, "x", -2^53, 2^53)
pcall(string.sub, "x", -2^53, 2^53) pcall(table.insert, {}, 2^31, 1) pcall(table.remove, {},
    -2^31)
