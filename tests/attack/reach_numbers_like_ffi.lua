-- expect: ok
-- what looks like such a number and is none
local LL, i, ULL = 1, 2, 3
local t = {LL = 1, x1LL = 2} local e = 1e1 + 0x1p4
assert(t.LL + LL + i + ULL + t.x1LL + e == 35) -- 1LL
assert("1LL" == '1LL' and [[1LL]] == "1LL")
