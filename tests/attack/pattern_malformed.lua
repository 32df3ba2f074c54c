-- expect: ok
-- malformed patterns are plain errors
for _, p in ipairs({"[", "[^", "[a", "[%", "%", "(", ")", "%b", "%bx", "%f", "%fa", "%1", "(%1)",
    "[a-", "%9", "[]", "[^]"}) do
    pcall(string.match, "aaa", p) pcall(string.gsub, "aaa", p, "%2")
    pcall(string.gsub, "aaa", "a", p)
end
