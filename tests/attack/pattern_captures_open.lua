-- expect: error
-- captures that never close
("x"):find(("("):rep(30))
