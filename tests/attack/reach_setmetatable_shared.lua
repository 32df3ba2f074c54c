-- expect: ok
-- a metatable with its own lock cannot be exchanged
local t = setmetatable({}, {__metatable = false}) assert(getmetatable(t) == false)
assert(not pcall(setmetatable, t, {})) assert(not pcall(setmetatable, t, nil))
