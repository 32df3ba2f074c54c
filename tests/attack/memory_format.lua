-- expect: error memory
-- format with many long texts
local s = ("x"):rep(1000000)
local r = ("%s%s%s%s"):format(s, s, s, s)
