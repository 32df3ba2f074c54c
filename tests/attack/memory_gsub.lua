-- expect: error memory
-- gsub that multiplies
local s = ("x"):rep(100000)
local r = s:gsub("x", s)
