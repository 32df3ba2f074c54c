-- expect: ok error
-- facts compared, called, added and measured
return function(f) pcall(function() return f < f end) pcall(function() return f + 1 end) pcall(
    f) pcall(function() return f .. "" end) pcall(function() return -f end)
    pcall(function() return #f end) assert(f == f) assert(rawequal(f, f)) pcall(tostring, f)
    pcall(function() return f[f] end) pcall(function() return f[0/0] end) end
