-- expect: ok
-- table functions see the raw list, whatever its metamethods say
local t = setmetatable({1, 2}, {__index = function() return 1 end, __len = function() return
    1e9 end, __newindex = function() error("x") end})
table.insert(t, 3) assert(#t == 3) assert(table.remove(t) == 3) assert(table.concat(t, ",")
    == "1,2") table.sort(t)
