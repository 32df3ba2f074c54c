-- expect: ok
-- functions of numbers at their ends
for _, f in ipairs({"abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp",
     "floor", "fmod", "frexp", "ldexp", "log",
    "log10", "max", "min", "modf", "pow", "rad", "sin", "sinh", "sqrt", "tan", "tanh",
     "random"}) do
    for _, v in ipairs({0/0, 1/0, -1/0, 1e308, -1e308, 5e-324, 2^53, -2^63, 0}) do
        pcall(math[f], v) pcall(math[f], v, v) pcall(math[f], 1, v) pcall(math[f], v, -1)
    end
    pcall(math[f])
end
