-- expect: ok
-- the metatable of facts
return function(f) assert(getmetatable(f) == "frozen") assert(not pcall(setmetatable, f, {})) end
