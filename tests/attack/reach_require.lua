-- expect: ok
-- require reaches no file and no library
for _, name in ipairs({"ffi", "jit", "jit.util", "os", "io", "debug", "package", "string.buffer",
    "table.new", "cjson", "/etc/passwd", "../x",
    "_G", "", "string"}) do assert(not pcall(require, name)) end
assert(not pcall(require)) assert(not pcall(require, {}))
