-- expect: killed
-- json back and forth for ever
local t = {} for i = 1, 500 do t[i] = {a = i, b = "x", c = {1.5, 2.5}} end while true do t =
    json.decode(json.encode(t)) end
