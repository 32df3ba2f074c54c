-- expect: syntax
-- the same behind strings that end where they do not seem to
local s = 'a\
' local q = "'" local x = 7LL -- '
