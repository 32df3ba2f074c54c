-- expect: killed memory
-- a long list joined for ever
local t = {} for i = 1, 50000 do t[i] = "xx" end while true do local s = table.concat(t, ",") end
