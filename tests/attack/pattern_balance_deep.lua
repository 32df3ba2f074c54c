-- expect: ok error killed
-- a hundred thousand open parentheses
local s = ("("):rep(100000) s:find("%b()") ("x"):rep(300):gsub("", function() return
    s:find("%b()") end)
