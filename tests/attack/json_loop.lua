-- expect: killed memory
-- decoding for ever
local s = "[" .. ("[1.5],"):rep(2000) .. "1]"
while true do pcall(json.decode, s) end
