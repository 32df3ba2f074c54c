-- expect: error
-- a circle of __index tables
local a, b = {}, {}
setmetatable(a, {__index = b})
setmetatable(b, {__index = a})
local x = a.y
