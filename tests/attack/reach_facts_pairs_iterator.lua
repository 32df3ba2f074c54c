-- expect: ok error
-- the iterator of facts with other values
return function(f) local it = pairs(f) for _, v in ipairs({1, "x", {}, print, decimal(1),
    true}) do pcall(it, v) pcall(it, f, v) pcall(it, v, v) end pcall(it) pcall(it, f, 2^53)
    pcall(it, f, -1) end
