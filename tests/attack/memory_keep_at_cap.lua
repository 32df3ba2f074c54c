-- expect: memory killed
-- held just below the cap while more is asked for
local keep = {} for i = 1, 7 do keep[i] = ("x"):rep(1000000) .. i end while true do pcall(
    string.rep, "y", 1000000) end
