-- expect: error killed
-- a small table that would write a large text
local t = {1}
for i = 1, 30 do t = {t, t, t, t} end
json.encode(t)
