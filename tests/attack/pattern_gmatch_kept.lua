-- expect: ok
-- thousands of iterators kept half way
local keep = {} for i = 1, 2000 do keep[i] = ("abc"):gmatch("()(.)") keep[i]() end for i = 1,
    2000 do assert(keep[i]() == 2) end
