-- expect: error ok
-- gsub, sort and pcall nested in turn
local f f = function() return pcall(table.sort, {3, 2, 1}, function() local _ = ("x"):gsub(".",
    f) return true end) end f()
