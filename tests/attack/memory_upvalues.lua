-- expect: memory
-- closures that hold a text each
local keep = {} for i = 1, 1e9 do local s = ("x"):rep(1000) .. i keep[i] = function() return s
    end end
