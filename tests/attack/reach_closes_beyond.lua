-- expect: ok error
-- lists of facts read far outside
return function(f) for _, i in ipairs({0, -1, 4, 9, 1e6, 2^31, 2^32, 2^53, -2^31, 0.5, 1/0, 0/0,
     "1", {}, true}) do pcall(function() return f.closes[i] end) end
    pcall(unpack, f.closes, -10, 10) pcall(table.concat, f.closes, ",", -5, 50) end
