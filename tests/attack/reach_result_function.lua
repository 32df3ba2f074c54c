-- expect: ok
-- the host gets a library function back and calls it
return print
