-- expect: error
-- one level of the matcher for each character
("a"):rep(300):match(("a?"):rep(300) .. "b")
