-- expect: ok error
-- unpacking from far outside
for i = 1, 100 do pcall(unpack, {}, -2^31, -2^31 + 5000) end
