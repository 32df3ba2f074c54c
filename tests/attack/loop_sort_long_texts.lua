-- expect: killed
-- sorting texts of a megabyte that differ at their end
local s = ("x"):rep(1000000) local k = {s .. "a", s .. "b", s .. "c"} local t = {}
for i = 1, 15000 do t[i] = k[i % 3 + 1] end table.sort(t)
