-- expect: ok
-- odd keys
return function(f)
    for _, k in ipairs({0/0, 1/0, -1, 0, 1.5, 2^53, true, print, f, {}, decimal(1)}) do
        pcall(function() return f[k] end) pcall(function() return f.closes[k] end) end
    pcall(function() return f.closes[nil] end)
    assert(f.closes[0] == nil and f.closes[4] == nil)
end
