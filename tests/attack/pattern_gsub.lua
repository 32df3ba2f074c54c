-- expect: error killed
-- a bomb in gsub
("a"):rep(5000):gsub(("a*"):rep(6) .. "b", "x")
