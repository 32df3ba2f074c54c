-- What the reload bench loads again and again: every gate and the sizing tell the edition they
-- belong to, so that a decision made by two editions would show. The bench replaces the number.
-- Indicators over bars are there because a new edition has to be warmed up before it is live.
local EDITION = 1

local function gate(_)
    return pass({ edition = EDITION })
end

return {
    name = "reload",
    version = tostring(EDITION),
    instruments = "*",
    gates = {
        { name = "first", check = gate },
        { name = "second", check = gate },
        { name = "third", check = gate },
    },
    size = function(_)
        return { quantity = 1, numbers = { edition = EDITION } }
    end,
    start = function(_)
        return { mean = ta.ema(21), range = ta.atr(10) }
    end,
    on_bar = function(bar, _, mine)
        mine.mean:push(bar.close)
        mine.range:push(bar)
    end,
}
