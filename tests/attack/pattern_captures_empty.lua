-- expect: ok
-- empty captures at every place
assert(select(2, ("x"):rep(5000):gsub("()()()", "")) == 5001)
