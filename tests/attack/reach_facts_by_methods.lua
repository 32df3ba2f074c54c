-- expect: error
-- facts given to functions of tables and texts
return function(f) for _, g in ipairs({table.insert, table.remove, table.sort, rawset,
    setmetatable, rawget, next, string.rep, string.len, decimal, tonumber}) do
    assert(not pcall(g, f, f, f) or g == tonumber) end
    error("done") end
