-- expect: ok
-- numbers in texts never become machine integers
assert(tonumber("1LL") == nil and tonumber("1i") == nil and not pcall(function() return "1LL" +
    1 end))
assert(tonumber("0x10") == 16)
