-- expect: error
-- __concat that concatenates itself
local m = {}
m.__concat = function(a, b) return setmetatable({}, m) .. "x" .. 1 + #tostring(a .. b) end
local x = setmetatable({}, m) .. "y"
