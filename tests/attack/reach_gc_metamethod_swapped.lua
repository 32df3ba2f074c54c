-- expect: ok
-- a finaliser set later is never run
local ran = false local m = {} local t = setmetatable({}, m) m.__gc = function() ran = true end
    t = nil
for i = 1, 20000 do local x = {} end assert(not ran)
