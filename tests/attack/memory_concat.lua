-- expect: error memory
-- table.concat of a gigabyte
local s, t = ("x"):rep(100000), {}
for i = 1, 10000 do t[i] = s end
local r = table.concat(t)
