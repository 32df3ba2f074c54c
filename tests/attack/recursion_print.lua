-- expect: error killed
-- __tostring through print
local t t = setmetatable({}, {__tostring = function() print(t) return "x" end}) print(t)
