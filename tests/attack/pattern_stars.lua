-- expect: error killed
-- eight stars
("a"):rep(3000):find(("a*"):rep(8) .. "b")
