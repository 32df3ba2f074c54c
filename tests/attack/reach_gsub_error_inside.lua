-- expect: error
-- a callback that fails inside a match
("abc"):gsub("(.)(.)", function(a, b) return a + b end)
