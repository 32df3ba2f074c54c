-- expect: ok
-- __tostring that returns no text
for _, v in ipairs({1, true, {}, print}) do assert(not pcall(tostring, setmetatable({}, {
    __tostring = function() return v end}))) end
assert(not pcall(tostring, setmetatable({}, {__tostring = 1}))) assert(not pcall(print,
    setmetatable({}, {__tostring = error})))
