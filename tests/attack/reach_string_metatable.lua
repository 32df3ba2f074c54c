-- expect: ok
-- the string metatable is locked
assert(getmetatable("") == "string")
assert(not pcall(setmetatable, "", {}))
assert(not pcall(function() ("").upper = 1 end))
assert(not pcall(function() string.upper = nil end))
assert(not pcall(rawset, string, "upper", 1))
assert(("a"):upper() == "A")
