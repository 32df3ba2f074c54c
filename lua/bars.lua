--- on_bar of a strategy that asks for one thing at a time: the indicators are fed, and the bar
-- after a signal is left to its fill.
--
--     local bars = require "tidelock.bars"
--     return { ...,
--         start = function() return { rsi = ta.rsi(14) } end,
--         on_bar = bars.steps{
--             read = function(s, bar) return s.rsi:push(bar) end,
--             hold = function(s, f, bar, rsi)
--                 if rsi > 70 then return bars.leave(s, bar.close, "exhausted") end end,
--             look = function(s, f, bar, rsi)
--                 if rsi < 30 then return bars.enter(s, "LONG", bar.close, stop, atr) end end } }
local bars = {}

--- `read(s, bar, f)` feeds the indicators; while its first result is nil or false nothing is asked.
-- Its results go on to `hold` in a position, to `look` out of one.
function bars.steps(steps)
    local read, hold, look = steps.read, steps.hold, steps.look
    local function act(s, f, bar, first, ...)
        if not first then return nil end
        local quiet = s.quiet
        if quiet and quiet > 0 then
            s.quiet = quiet - 1
            return nil
        end
        if #f.positions > 0 then return hold(s, f, bar, first, ...) end
        return look(s, f, bar, first, ...)
    end
    return function(bar, f, s)
        if not s then return nil end
        return act(s, f, bar, read(s, bar, f))
    end
end

--- One entry, and a bar of quiet for its fill. `layer` 1, which is the base, unless given.
function bars.enter(s, side, price, stop, atr, layer)
    s.quiet = 1
    return { {
        type = layer and layer > 1 and "PYRAMID" or "BASE_ENTRY",
        position = (side == "SHORT" and "Short_" or "Long_") .. (layer or 1),
        side = side,
        price = price,
        stop = stop,
        atr = atr,
    } }
end

--- Everything out, and why.
function bars.leave(s, price, why)
    s.quiet = 1
    return { { type = "EXIT", position = "ALL", price = price, note = why } }
end

return bars
