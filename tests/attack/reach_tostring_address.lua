-- expect: ok
-- no text tells where memory lies
for _, v in ipairs({print, {}, function() end, string, pcall, json and json.null or 1}) do
    assert(not tostring(v):find("0x")) assert(not ("%s"):format(v):find("0x"))
    assert(not tostring(v):find("%x%x%x%x%x%x"))
end
local _, e = pcall(function() local t = {} return t < print end) assert(not e:find("0x"))
_, e = pcall(error, {}) assert(not tostring(e):find("0x"))
