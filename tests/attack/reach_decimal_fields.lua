-- expect: ok
-- decimals cannot be changed or looked into
local d = decimal(1) assert(not pcall(function() d.x = 1 end)) assert(not pcall(function()
    return d[1] end) or d[1] == nil)
assert(not pcall(rawset, d, 1, 1)) assert(not pcall(rawget, d, 1)) assert(not pcall(next, d))
    pcall(function() return #d end)
assert(not pcall(function() return d() end))
