-- expect: ok
-- tonumber with bases it does not know
for base = -3, 40 do pcall(tonumber, "zz", base) pcall(tonumber, "", base) pcall(tonumber, 12,
    base) end
assert(not pcall(tonumber, "1", 1)) assert(not pcall(tonumber, "1", 37)) pcall(tonumber, "1",
    2^40) pcall(tonumber, "1", 0/0)
assert(tonumber("1e999") == 1/0) assert(tonumber("0x") == nil) assert(tonumber(" ") == nil)
