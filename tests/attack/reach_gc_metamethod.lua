-- expect: ok
-- __gc of a table never runs
local hit = false
for i = 1, 2000 do setmetatable({}, {__gc = function() hit = true while true do end end}) end
assert(not hit)
