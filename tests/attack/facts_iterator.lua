-- expect: ok
-- the iterators of facts on other values
return function(f)
    local step = pairs(f) for i = 1, 1000 do step({}, i) end
    local g = ipairs(f.closes) assert(not pcall(g, {}, 0)) assert(not pcall(g, nil, nil))
        assert(not pcall(g, "x", 1))
    pcall(g, f.closes, 1e300) pcall(g, f.closes, -5) pcall(g, f, 1)
end
