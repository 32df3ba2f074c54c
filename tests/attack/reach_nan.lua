-- expect: ok
-- a result that is no number
return 0/0
