-- LuaJIT's language, busted's words in specs; unused arguments are part of a policy's signature.
-- Lengths are the business of tests/tidy.
std = "luajit"
max_line_length = false
unused_args = false
exclude_files = {"build", "var"}

-- What the sandbox gives to policies and to the stock library.
local sandbox = {"params", "ta", "decimal", "json", "pass", "reject", "defer"}
files["strategies"] = {read_globals = sandbox}
files["lua"] = {read_globals = sandbox}
files["**/spec/*_spec.lua"] = {std = "+busted"}
