-- LuaJIT's language, busted's words in specs; unused arguments are part of a policy's signature.
std = "luajit"
max_line_length = 100
unused_args = false
files["**/spec/*_spec.lua"] = {std = "+busted"}
files["tests/spec"] = {std = "+busted"}
exclude_files = {"build", "var"}
