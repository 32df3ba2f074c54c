-- expect: error killed ok
-- the stack filled from inside a callback
local function f() return 1 + f() end ("xxxxx"):gsub(".", function() pcall(f)
    end) ("x"):gsub(".", f)
