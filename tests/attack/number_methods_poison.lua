-- expect: error
-- changing the methods of decimals
local d = decimal(1)
d.floor = function() return 7 end
