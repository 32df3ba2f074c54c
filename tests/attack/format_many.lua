-- expect: ok
-- the longest numbers a format can make
for i = 1, 100 do local s = ("%99.99f"):format(1e308) assert(#s > 400) end
