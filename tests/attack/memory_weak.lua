-- expect: killed memory
-- weak tables full of garbage
local w = setmetatable({}, {__mode = "kv"})
local i = 0
while true do i = i + 1 w[i] = {} end
