-- expect: error
-- a module that requires itself
require("self")
