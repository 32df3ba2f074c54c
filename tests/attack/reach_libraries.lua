-- expect: ok
-- libraries cannot be changed
for _, lib in ipairs({string, table, math, bit, decimal}) do
    assert(not pcall(function() lib.x = 1 end)) assert(not pcall(rawset, lib, "x", 1)) assert(not
        pcall(setmetatable, lib, nil))
    assert(getmetatable(lib) == "frozen")
end
