-- expect: memory killed
-- memory held by upvalues, released after the call
local hold = {}
local function fill() for i = 1, 1e9 do hold[i] = {i} end end
while true do pcall(fill) end
