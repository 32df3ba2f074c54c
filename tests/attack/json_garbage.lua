-- expect: ok
-- malformed texts are plain errors
for _, s in ipairs({"", "{", "}", "[", "]", "\"", "{\"a\"", "{\"a\":", "[1,", "nul", "tru", "-",
    "1.", "1e", "01", "+1", "0x1", "nan", "inf", "\1", "\0", "[\"\\u12\"]", "\"\\ud800\"", "1 2",
    "{1:2}", ("9"):rep(400), "1e400", "\"\\", "\"\\u0001D"}) do pcall(json.decode, s) end
assert(not pcall(json.encode)) assert(not pcall(json.decode, {})) assert(not pcall(json.encode,
    print))
