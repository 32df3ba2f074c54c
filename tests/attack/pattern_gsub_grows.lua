-- expect: error memory killed
-- a callback whose results grow
local s = "xx" for i = 1, 40 do s = s:gsub(".", function(c) return c .. c .. c end) end
