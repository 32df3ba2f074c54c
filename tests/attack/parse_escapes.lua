-- expect: syntax
-- escapes beyond a byte
return "\999 \x"
