-- expect: error memory killed
-- __index that calls itself
local t = setmetatable({}, {})
getmetatable(t).__index = function(s, k) return s[k .. "x"] end
local x = t.a
