-- expect: syntax
-- the same by an imaginary number
return 12.5i
