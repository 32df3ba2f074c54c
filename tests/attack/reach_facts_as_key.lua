-- expect: ok error
-- facts as keys, in weak tables
return function(f) local t = setmetatable({}, {__mode = "kv"}) for i = 1, 2000 do t[f.closes] =
    {} t[{}] = f end end
