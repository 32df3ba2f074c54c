-- expect: killed
-- the longest formats for ever
local f = ("%99.99f"):rep(200) local v = {} for i = 1, 200 do v[i] = 1e308 end while true do
    f:format(unpack(v)) end
