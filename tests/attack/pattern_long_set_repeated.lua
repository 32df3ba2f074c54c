-- expect: error killed
-- a long set with a quantifier
("x"):rep(100000):find("[" .. ("ab"):rep(100000) .. "]-z")
