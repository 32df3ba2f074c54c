-- expect: ok
-- names of modules are no paths
for _, n in ipairs({"self.lua", "./self", "../self", "self/", "SELF", "self\0", "\0self",
     ("a"):rep(5000), "%s%n"}) do
    assert(not pcall(require, n), n)
end
