-- expect: ok
-- a key far away costs nothing
local t = {}
t[2^31] = 1 t[1e15] = 1 t[-1e9] = 1
