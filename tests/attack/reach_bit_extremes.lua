-- expect: ok
-- bit operations on what has no bits
for _, v in ipairs({2^53, -2^53, 1/0, -1/0, 0/0, 1e308, "12", "x", {}, print}) do
    for _, f in ipairs({"band", "bor", "bxor", "bnot", "lshift", "rshift", "arshift", "rol",
     "ror", "bswap", "tobit", "tohex"}) do
        pcall(bit[f], v, v) pcall(bit[f], 1, v) pcall(bit[f], v, 40) pcall(bit[f])
    end
end
pcall(bit.tohex, 1, -2^31) pcall(bit.tohex, 1, 2^31)
