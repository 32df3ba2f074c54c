-- expect: error killed
-- a set of thousands of ranges
("x"):rep(50000):gsub("[" .. ("a-b"):rep(200000) .. "]", "")
