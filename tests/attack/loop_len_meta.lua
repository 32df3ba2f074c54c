-- expect: killed
-- the length of a list taken for ever
local t = {1, 2, 3} local n = 0 while true do n = n + #t end
