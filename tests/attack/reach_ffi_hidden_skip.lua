-- expect: syntax
-- the same behind an escape that swallows the end of a line
local s = 'a\z
' local x = 7LL local q = ''
