-- expect: ok
-- raw access does not pass the frozen view
assert(not pcall(rawset, string, "rep", print)) assert(rawget(string, "rep") == nil)
assert(string.rep("x", 2) == "xx") assert(next(string) == nil) assert(#string == 0)
