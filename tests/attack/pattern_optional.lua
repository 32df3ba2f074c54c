-- expect: error killed
-- a?^28 a^28
local n = 28
("a"):rep(n):match(("a?"):rep(n) .. ("a"):rep(n))
