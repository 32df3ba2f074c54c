-- expect: syntax
-- bytes that are no Lua
 local x = 1
