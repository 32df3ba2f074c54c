-- expect: syntax
-- a jump into the scope of a local
goto here local x = 1 ::here:: print(x)
