--- R-multiples: results measured in units of what was risked at entry.
--
--     local rmultiple = require "tidelock.rmultiple"
--     local r = rmultiple.of(layer.side, layer.entry_price, layer.initial_stop, bar.close)
--     -- 2: twice the risk is won
local rmultiple = {}

--- What the price has gone in the position's favour; negative: against it.
function rmultiple.gain(side, entry, price)
    if side == "SHORT" then return entry - price end
    return price - entry
end

--- One R: the distance from entry to the initial stop, nil when there is none or it is on the wrong
-- side.
function rmultiple.unit(side, entry, initial_stop)
    if not initial_stop then return nil end
    local unit = rmultiple.gain(side, initial_stop, entry)
    if unit:sign() <= 0 then return nil end
    return unit
end

--- The gain in R; nil without an initial stop.
function rmultiple.of(side, entry, initial_stop, price)
    local unit = rmultiple.unit(side, entry, initial_stop)
    if not unit then return nil end
    return rmultiple.gain(side, entry, price) / unit
end

--- True when strictly more than `multiple` R is won. Multiplies instead of dividing, so nothing is
-- rounded.
function rmultiple.exceeds(side, entry, initial_stop, price, multiple)
    local unit = rmultiple.unit(side, entry, initial_stop)
    if not unit then return false end
    return rmultiple.gain(side, entry, price) > unit * multiple
end

return rmultiple
