-- expect: syntax ok
-- an escape of a character beyond all
return "\u{7fffffffffff}"
