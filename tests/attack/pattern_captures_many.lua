-- expect: error
-- more captures than there are
("x"):find(("(x?)"):rep(100))
