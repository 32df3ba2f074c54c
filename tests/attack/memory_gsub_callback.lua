-- expect: error memory killed
-- a replacement that holds on to everything
local keep = {} ("x"):rep(100000):gsub(".", function(c) keep[#keep + 1] = {c .. #keep} return c
    end)
