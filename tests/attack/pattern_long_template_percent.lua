-- expect: killed error memory
-- a replacement that is all escapes
for i = 1, 1000 do ("yy"):rep(200):gsub("()y", ("%%"):rep(2000)) end
