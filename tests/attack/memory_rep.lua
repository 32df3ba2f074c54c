-- expect: error
-- a text of a gigabyte
local s = ("x"):rep(1e9)
