-- expect: killed
-- a replacement that never returns
("abc"):gsub(".", function() while true do end end)
