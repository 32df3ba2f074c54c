-- expect: ok
-- __call chains and what cannot be called
local t = {} for i = 1, 3 do t = setmetatable({}, {__call = function(self, x) return x end})
    end assert(t(7) == 7)
local u = setmetatable({}, {__call = setmetatable({}, {__call = print})}) pcall(u) pcall(
    setmetatable({}, {__call = 1}))
assert(not pcall(pcall)) assert(not pcall(nil)) assert(pcall(t, 1))
