-- expect: syntax
-- the same, written in hex
local t = {0xffULL}
return t
