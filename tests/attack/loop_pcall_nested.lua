-- expect: killed
-- pcall around pcall around an endless loop
local function deep(n) if n == 0 then while true do end end pcall(deep, n - 1) end
while true do deep(50) end
