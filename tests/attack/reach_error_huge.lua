-- expect: error memory
-- an error of a megabyte
error(("x"):rep(1000000))
