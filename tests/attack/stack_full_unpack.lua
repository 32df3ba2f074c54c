-- expect: error killed ok
-- deep frames that each hold thousands of values
local t = {} for i = 1, 6000 do t[i] = i end local function f(n, ...) if n > 0 then return f(n -
     1, unpack(t)), 1 end return ... end f(200)
