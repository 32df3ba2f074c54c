-- expect: error killed
-- greedy items one after another
("a"):rep(3000):find(("a*"):rep(20) .. "b")
