-- expect: ok error
-- the iterator of gmatch called by itself
local it = ("abc"):gmatch(".") for i = 1, 100 do it(nil, it, {}, i) end assert(it() == nil)
