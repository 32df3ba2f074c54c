-- expect: ok killed memory
-- texts that differ only where a hash does not look
local t, head, tail = {}, ("a"):rep(40), ("b"):rep(40) for i = 1, 3500 do t[head
    .. ("%06d"):format(i) .. tail] = i end
