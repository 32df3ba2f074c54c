-- expect: ok
-- no text of a value tells an address
for _, v in ipairs({{}, print, function() end, decimal, string, math}) do
    assert(not tostring(v):find("0x"))
    assert(not ("%s"):format(v):find("0x"))
end
local _, why = pcall(error, {})
assert(not tostring(why):find("0x"))
