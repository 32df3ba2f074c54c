-- expect: error
-- a message full of directives
error("%s%n%d%99999999d%p%%" .. ("%s"):rep(100))
