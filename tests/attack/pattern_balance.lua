-- expect: error killed
-- %b over a long text from every start
("("):rep(200000):find("%b()")
