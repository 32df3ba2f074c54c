-- expect: error killed
-- __eq for ever
local t = setmetatable({}, {__eq = function(a, b) return a == b end}) local u = setmetatable({},
     getmetatable(t)) while true do if t == u then break end end
