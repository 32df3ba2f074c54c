-- expect: ok killed
-- a plain search that is quadratic when done naively
local s = ("a"):rep(1000000)
local w = ("a"):rep(500000) .. "b"
for i = 1, 20 do s:find(w, 1, true) end
