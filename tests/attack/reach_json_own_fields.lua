-- expect: ok
-- json shows only its functions
for k, v in pairs({encode = 1, decode = 1, null = 1}) do assert(json[k] ~= nil and v == 1) end
assert(json.new == nil or not pcall(json.new)) assert(not pcall(function() json.x = 1 end))
