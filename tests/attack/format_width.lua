-- expect: error
-- a width of three digits
local s = ("%999d"):format(1)
