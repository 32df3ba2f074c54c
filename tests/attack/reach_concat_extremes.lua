-- expect: ok
-- concat between impossible places
local t = {1, 2, 3} for _, n in ipairs({-2^31, 2^31, 2^53, -2^63, 1/0, -1/0}) do pcall(
    table.concat, t, "", n) pcall(table.concat, t, "", 1, n)
    pcall(table.concat, t, "", n, n) pcall(table.concat, t, "", -n, n) end
assert(not pcall(table.concat, {1, {}, 3})) assert(not pcall(table.concat, {print})) assert(
    table.concat({}, ",") == "")
