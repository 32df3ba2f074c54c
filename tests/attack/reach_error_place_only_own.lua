-- expect: ok
-- places in messages never name the host
for level = 0, 40 do
    local _, e = pcall(error, "x", level)
    assert(not e:find("%.c:") and not e:find("/"), e)
end
