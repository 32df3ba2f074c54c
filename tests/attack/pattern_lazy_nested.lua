-- expect: error killed
-- lazy items one after another
("a"):rep(3000):find((".-"):rep(20) .. "b")
