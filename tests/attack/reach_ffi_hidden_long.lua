-- expect: syntax
-- the same behind a long bracket with levels
local s = [==[ ]] ]=] ]==] local x = 7ll --[[ ]]
