-- expect: killed memory
-- the largest texts cut for ever
local s = ("x"):rep(1000000) for i = 1, 1e9 do local t = s:sub(i % 100 + 1) end
