-- expect: output
-- printing behind pcall for ever
while true do pcall(print, ("x"):rep(1000)) end
