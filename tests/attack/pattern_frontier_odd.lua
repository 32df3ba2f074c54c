-- expect: ok error
-- frontiers at the ends of texts
for _, p in ipairs({"%f[%z]", "%f[^%z]", "%f[]", "%f", "%f[", "%f[]]", "%f[%a"}) do pcall(
    string.find, "", p) pcall(string.find, "a b", p) pcall(string.gsub, "a b", p, "x") end
