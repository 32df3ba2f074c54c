-- expect: killed error
-- a long pattern that fails at its end
local s = ("a"):rep(100000) while true do s:find(s .. "$b") end
