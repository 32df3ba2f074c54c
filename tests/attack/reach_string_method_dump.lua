-- expect: ok
-- bytecode cannot be made through the string metatable
assert(("").dump == nil) assert(string.dump == nil) assert(("").gfind == nil)
