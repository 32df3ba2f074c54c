-- expect: killed
-- endless tail calls
local function f() return f() end
f()
