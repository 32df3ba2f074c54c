-- expect: ok
-- raw functions put nothing where others look
pcall(table.insert, string, "x")
assert(("x").format == string.format)
