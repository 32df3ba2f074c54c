-- expect: ok
-- no way to bytecode
assert(string.dump == nil and ("").dump == nil)
assert(not pcall(function() return ("x"):dump() end))
