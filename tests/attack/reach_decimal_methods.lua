-- expect: ok
-- methods of decimals take only what they are made for
for _, m in ipairs({"abs", "ceil", "cmp", "div", "eq", "floor", "ge", "gt", "int", "is_zero",
     "le", "lt", "max",
    "min", "muldiv", "number", "round", "sign", "sqrt", "trunc"}) do
    local f = decimal(1)[m] assert(type(f) == "function", m)
    for _, v in ipairs({"x", print, {}, true, string, 0/0, 1/0, -1/0}) do pcall(f, v) pcall(f,
    decimal(1), v) pcall(f, v, v, v) end
    pcall(f)
end
