-- expect: killed
-- select through thousands of arguments
local function f(...) for i = 1, select("#", ...) do local x = select(i, ...) end end
local t = {} for i = 1, 6000 do t[i] = i end while true do f(unpack(t)) end
