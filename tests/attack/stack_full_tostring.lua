-- expect: error killed
-- the stack filled from inside __tostring
local function f() return 1 + f() end tostring(setmetatable({}, {__tostring = f}))
