-- expect: ok
-- places in texts beyond every bound
local s = "hello" for _, n in ipairs({-2^63, -2^31, -2^31 - 1, 2^31, 2^31 - 1, 2^32, 2^53, 2^63,
     1/0, -1/0, 0.5}) do
    for _, m in ipairs({-2^63, -2^31, 0, 2^31, 2^53, 1/0}) do pcall(s.sub, s, n, m) pcall(
    s.byte, s, n, m) end
    pcall(s.find, s, "l", n) pcall(s.match, s, "l", n) pcall(s.rep, s, n) pcall(s.gsub, s, "l",
     "x", n) pcall(s.char, n)
    pcall(s.find, s, "l", n, true)
end
