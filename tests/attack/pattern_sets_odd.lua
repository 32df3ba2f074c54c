-- expect: ok error
-- sets that do not end where they seem
for _, p in ipairs({"[", "[]", "[^", "[^]", "[]]", "[^]]", "[%", "[%]", "[a-", "[a-]", "[-a]",
     "[a-%a]", "[%a-z]", "[z-a]", "[\0-\255]", "[[]", "[]-a]"}) do
    pcall(string.find, "a]-z", p) pcall(string.gsub, "a]-z", p .. "+", "%0%0") pcall(
    string.match, "", p) end
