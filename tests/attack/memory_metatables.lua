-- expect: memory
-- a metatable for each table
local keep = {} for i = 1, 1e9 do keep[i] = setmetatable({}, {__index = {}, __newindex = {}}) end
