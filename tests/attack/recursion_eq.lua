-- expect: error killed
-- __eq that compares again
local m = {} m.__eq = function(a, b) return setmetatable({}, m) == setmetatable({}, m) and 1
    end return setmetatable({}, m) == setmetatable({}, m)
