-- expect: error
-- gsub inside the __index of its replacement table
local t
t = setmetatable({}, {__index = function(_, k) return (("a"):gsub(".", t)) end})
local x = ("a"):gsub(".", t)
