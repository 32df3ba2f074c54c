-- expect: error killed
-- a set of a megabyte, looked through at every place
("x"):rep(2000):find("[" .. ("a"):rep(1000000) .. "]")
