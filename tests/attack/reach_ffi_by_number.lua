-- expect: syntax
-- a 64-bit number would load the ffi library into the state
local x = 1LL
return x
