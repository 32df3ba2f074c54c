-- expect: ok
-- comparisons with metamethods of two kinds
local a = setmetatable({}, {__lt = function() return nil end, __le = function() return 1 end,
    __eq = function() return {} end})
local b = setmetatable({}, {__lt = error, __eq = error}) pcall(function() return a < b end)
    pcall(function() return b < a end)
pcall(function() return a < 1 end) pcall(function() return a < "x" end) pcall(function() return
    a == decimal(1) end) pcall(function() return a < decimal(1) end)
