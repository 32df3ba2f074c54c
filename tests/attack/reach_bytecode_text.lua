-- expect: syntax
-- bytecode is refused, whatever follows its mark
LJ
return 1
