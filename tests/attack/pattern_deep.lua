-- expect: error
-- captures nested too deeply
("a"):rep(300):match(("(a"):rep(300) .. (")"):rep(300))
