-- expect: error
-- a count that wraps 32 bits
local s = ("x"):rep(2^31)
assert(#s == 2^31)
