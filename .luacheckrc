-- LuaJIT's language, busted's words in specs; unused arguments are part of a policy's signature.
-- Lengths are the business of tests/tidy.
std = "luajit"
max_line_length = false
unused_args = false
exclude_files = {"build", "var"}

-- What the sandbox gives to policies and to the stock library: strategies/ENVIRONMENT.md, against
-- which a spec holds it. A line `std = "policy"` does the same in the folder of a strategy.
stds.policy = {read_globals = {
    "assert", "defer", "error", "getmetatable", "ipairs", "next", "pairs", "pass", "pcall",
    "print", "rawequal", "rawget", "rawset", "reject", "require", "select", "setmetatable",
    "tonumber", "tostring", "type", "unpack", "params", "_VERSION",
    bit = {fields = {
        arshift = {}, band = {}, bnot = {}, bor = {}, bswap = {}, bxor = {}, lshift = {},
        rol = {}, ror = {}, rshift = {}, tobit = {}, tohex = {},
    }},
    decimal = {fields = {
        abs = {}, ceil = {}, cmp = {}, div = {}, eq = {}, floor = {}, ge = {}, gt = {}, int = {},
        is = {}, is_zero = {}, le = {}, lt = {}, max = {}, min = {}, muldiv = {}, number = {},
        round = {}, sign = {}, sqrt = {}, trunc = {},
    }},
    json = {fields = {
        decode = {}, encode = {}, null = {},
    }},
    math = {fields = {
        abs = {}, acos = {}, asin = {}, atan = {}, atan2 = {}, ceil = {}, cos = {}, cosh = {},
        deg = {}, exp = {}, floor = {}, fmod = {}, frexp = {}, huge = {}, ldexp = {}, log = {},
        log10 = {}, max = {}, min = {}, modf = {}, pi = {}, pow = {}, rad = {}, random = {},
        sin = {}, sinh = {}, sqrt = {}, tan = {}, tanh = {},
    }},
    string = {fields = {
        byte = {}, char = {}, find = {}, format = {}, gmatch = {}, gsub = {}, len = {},
        lower = {}, match = {}, rep = {}, reverse = {}, sub = {}, upper = {},
    }},
    ta = {fields = {
        adx = {}, atr = {}, bollinger = {}, donchian = {}, ema = {}, er = {}, feed = {},
        highest = {}, lowest = {}, rma = {}, roc = {}, rsi = {}, sma = {}, stdev = {},
        supertrend = {},
    }},
    table = {fields = {
        concat = {}, insert = {}, maxn = {}, remove = {}, sort = {},
    }},
}}

files["strategies"] = {std = "policy"}
files["lua"] = {std = "policy"}
files["lua/tidelock"] = {std = "luajit"} -- the testing library runs in busted
files["strategies/**/spec"] = {std = "luajit+busted"}
files["tests/spec"] = {std = "luajit+busted"}
