-- expect: error ok
-- a chain of __call objects
local t = print for i = 1, 5000 do t = setmetatable({}, {__call = t}) end pcall(t) t()
