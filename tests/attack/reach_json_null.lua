-- expect: ok
-- the null of json is a value and nothing else
local n = json.null assert(not pcall(function() return n.x end)) assert(not pcall(function()
    n.x = 1 end))
assert(not pcall(function() return n + 1 end)) assert(not pcall(n)) assert(getmetatable(n) ==
    nil) assert(tostring(n) == "null")
assert(not pcall(setmetatable, n, {})) assert(not pcall(next, n)) assert(not pcall(ipairs, n))
