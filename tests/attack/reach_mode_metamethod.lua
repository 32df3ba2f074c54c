-- expect: ok
-- odd __mode, __index and __newindex values
for _, v in ipairs({1, "kvx", true, print, "", ("k"):rep(1000)}) do local t = setmetatable({}, {
    __mode = v}) t[{}] = {} for i = 1, 100 do t[i] = {} end end
local u = setmetatable({}, {__index = "abc", __newindex = "abc"}) pcall(function() return u.x
    end) pcall(function() u.x = 1 end)
