-- expect: ok
-- no function gives up the globals table
assert(not pcall(function() return getmetatable(print).__index end))
local ok, why = pcall(function() undeclared = 1 end)
assert(type(why) == "string" or ok)
