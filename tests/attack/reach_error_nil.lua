-- expect: error
-- an error without a value
error()
