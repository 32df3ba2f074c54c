-- expect: error killed
-- metamethods that call each other
local a, b = {}, {} setmetatable(a, {__index = function(_, k) return b[k] .. "x" end})
    setmetatable(b, {__index = function(_, k) return a[k] .. "y" end}) return a.x
