-- expect: error memory killed
-- __newindex that writes into itself
local t = setmetatable({}, {__newindex = function(t, k, v) t[k .. "x"] = v end}) t.x = 1
