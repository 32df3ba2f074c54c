-- expect: ok
-- shared metatables are closed and not changed
for _, v in ipairs({"", 1, true, print, decimal(1), string, math, table, bit}) do
    local m = getmetatable(v) assert(m == nil or type(m) == "string", type(m))
    assert(not pcall(setmetatable, v, {}))
end
assert(getmetatable(nil) == nil) assert(not pcall(setmetatable, nil, {}))
