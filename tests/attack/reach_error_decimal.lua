-- expect: error
-- an error that is a decimal
error(decimal("1.5"))
