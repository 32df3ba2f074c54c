-- expect: ok
-- a callback that returns what is no text
assert(not pcall(string.gsub, "abc", ".", function() return {} end)) assert(not pcall(
    string.gsub, "abc", ".", function() return print end))
assert((("abc"):gsub(".", function() return false end)) == "abc") assert((("abc"):gsub("",
     "-")) == "-a-b-c-")
assert((("abc"):gsub(".", {a = 1, b = true == false})) == "1bc")
