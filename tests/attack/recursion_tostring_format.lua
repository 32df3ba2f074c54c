-- expect: error killed
-- __tostring through format
local t t = setmetatable({}, {__tostring = function() return ("%s"):format(t) end}) tostring(t)
