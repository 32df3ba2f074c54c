-- expect: killed
-- a table of replacements that computes for ever
("abc"):gsub(".", setmetatable({}, {__index = function() while true do end end}))
