-- expect: error
-- methods of a decimal on something else
local d = decimal(1)
local x = d.floor({})
