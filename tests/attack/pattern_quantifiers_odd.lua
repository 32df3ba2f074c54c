-- expect: ok error
-- quantifiers of nothing
for _, p in ipairs({"*", "+", "-", "?", "**", "a**", "^*", "$", "^$", "^^", "$$", "a$b", "%",
     "%%*", "()*", "(a)*", "(*)", "*+-?"}) do
    pcall(string.find, "a*b", p) pcall(string.gsub, "a*b", p, "<%0>") for w
    in ("aab"):gmatch("a") do pcall(string.match, w, p) end end
