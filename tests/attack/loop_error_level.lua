-- expect: ok
-- error with odd levels
for _, l in ipairs({-1, 0, 2^31, 1e300, -2^31, 0/0}) do pcall(error, "x", l) end
