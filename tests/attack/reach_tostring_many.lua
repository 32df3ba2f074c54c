-- expect: ok
-- __tostring that returns many values
local many = {} for i = 1, 5000 do many[i] = "x" end
assert(tostring(setmetatable({}, {__tostring = function() return unpack(many) end})) == "x")
