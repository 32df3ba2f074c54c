-- expect: error memory killed
-- a text that json makes longer and longer
local s = "\0" for i = 1, 30 do s = json.encode({s, s}) end
