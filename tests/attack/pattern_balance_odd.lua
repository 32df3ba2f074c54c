-- expect: ok error
-- balances of nothing and of one character
for _, p in ipairs({"%b", "%b(", "%bxx", "%b\0\0", "%b()%b", "%b%%%"}) do pcall(string.find,
     "((xx))", p) pcall(string.gsub, "((xx))", p, "%1") end
