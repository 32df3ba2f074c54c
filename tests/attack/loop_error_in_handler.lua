-- expect: killed
-- errors in metamethods, caught for ever
local t = setmetatable({}, {__index = function() error("x") end}) while true do pcall(function(
    ) return t.x end) end
