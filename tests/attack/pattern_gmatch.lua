-- expect: error killed
-- a bomb in gmatch
for x in ("a"):rep(5000):gmatch(("a-"):rep(6) .. "b") do end
