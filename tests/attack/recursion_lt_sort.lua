-- expect: error
-- a sort whose order sorts
local m = {} m.__lt = function(a, b) table.sort({a, b}) return false end table.sort({
    setmetatable({}, m), setmetatable({}, m), setmetatable({}, m)})
