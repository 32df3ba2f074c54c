-- expect: killed
-- a replacement of half a million empty captures
("y"):rep(900):gsub("(x*)", ("%1"):rep(500000))
