-- expect: killed
-- __call for ever
local t t = setmetatable({}, {__call = function(self) return self() end}) t()
