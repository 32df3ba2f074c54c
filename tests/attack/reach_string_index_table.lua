-- expect: ok
-- the table behind texts is not handed out
assert(("").__index == nil and getmetatable("").__index == nil)
assert(not pcall(function() ("").upper = 1 end)) assert(not pcall(rawset, "", "upper", 1))
assert(not pcall(function() string.upper = 1 end)) assert(("x"):upper() == "X")
