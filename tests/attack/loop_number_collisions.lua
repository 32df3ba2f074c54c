-- expect: memory killed
-- number keys that all fall into one chain of a table
local band, bxor, rol, lshift, rshift, bor = bit.band, bit.bxor, bit.rol, bit.lshift,
    bit.rshift, bit.bor
local t = {}
for hi = 0, 60 do
    local hh = lshift(0x43300000 + hi, 1) local h1 = rol(hh, 14) local h2 = rol(h1, 5)
    for low = 0, 8191 do
        local b = bor(bor(low, lshift(band(bxor(rshift(h2, 13), low), 15), 13)), lshift(band(
    bxor(h2, low), 8191), 19))
        t[2^52 + hi * 2^32 + bxor(b + h1, hh) % 2^32] = 1
    end
end
