-- expect: ok
-- the iterator of lists with what it was not made for
local g = ipairs({}) for _, at in ipairs({-1, -2^31, 2^31, 2^53, 1/0, -1/0, 0.5}) do pcall(g, {
    1, 2}, at) end
pcall(g, decimal(1), 1) pcall(g, print, 1)
