-- expect: memory killed
-- what json read, all kept
local keep, text = {}, "[" .. ("{},"):rep(2000) .. "{}]" for i = 1, 1e9 do keep[i] =
    json.decode(text) end
