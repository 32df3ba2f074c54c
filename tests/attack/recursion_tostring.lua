-- expect: error
-- __tostring through format
local t = setmetatable({}, {})
getmetatable(t).__tostring = function(x) return ("%s"):format(x) end
tostring(t)
