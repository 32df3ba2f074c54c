-- expect: error
-- an error that is a function
error(print)
