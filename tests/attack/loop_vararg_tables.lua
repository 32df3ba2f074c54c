-- expect: killed memory
-- arguments by thousands into tables and back
local t = {} for i = 1, 6000 do t[i] = i end local function f(...) return {...} end while true
    do t = f(unpack(t)) end
