-- expect: error
-- an odd error value
error(decimal(1))
