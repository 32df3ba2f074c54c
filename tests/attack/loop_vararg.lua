-- expect: killed
-- passing thousands of arguments round and round
local t = {}
for i = 1, 7000 do t[i] = i end
local function f(...) return f(...) end
f(unpack(t))
