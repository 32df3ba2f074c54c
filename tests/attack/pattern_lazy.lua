-- expect: error killed
-- sixty lazy items
("a"):rep(100000):match((".-"):rep(60) .. "b")
