-- expect: syntax
-- the same behind a comment that is only a line
--[=x[ not long
local x = 5Ull
