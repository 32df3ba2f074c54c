-- expect: ok
-- the metatable of decimals stays away
assert(getmetatable(decimal(1)) == "decimal")
assert(not pcall(setmetatable, decimal(1), {}))
assert(not pcall(function() decimal.muldiv = nil end))
assert(not pcall(rawset, decimal, "muldiv", 1))
