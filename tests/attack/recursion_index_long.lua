-- expect: error ok killed
-- a chain of ten thousand __index tables
local t = {} for i = 1, 10000 do t = setmetatable({}, {__index = t}) end return t.x
