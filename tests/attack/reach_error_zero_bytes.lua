-- expect: error
-- a message with NUL and control characters
error("a\0b\27[2J\r\n\255\254")
