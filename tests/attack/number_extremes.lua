-- expect: ok
-- extremes of decimals are errors or right
local big = decimal("999999999999999")
assert(not pcall(function() local x = big for i = 1, 10 do x = x * big end return x end))
assert(not pcall(function() return big / 0 end))
assert(not pcall(decimal, "nan")) assert(not pcall(decimal, "1e400")) assert(not pcall(decimal,
    0/0))
assert(not pcall(decimal, 1/0)) assert(not pcall(decimal, ("1"):rep(100)))
assert(not pcall(function() return decimal(1) + {} end))
assert(not pcall(function() return decimal(1) % 0 end))
assert(not pcall(function() return decimal(1):round(-1) end))
assert(tostring(decimal("-0")) == "0")
