-- expect: error killed
-- a frontier of a long set at every place
("x"):rep(5000):find("%f[" .. ("a"):rep(500000) .. "]")
