--- Stops: the ATR stop of an entry, and the trailing stop that follows closes and never gives way.
--
--     local stops = require "tidelock.stops"
--     local stop = stops.initial("LONG", bar.close, atr, params.initial_stop_atr)
--     local trail = stops.trailing("LONG", stop, bar.close, params.trailing_stop_atr)
--     ... at each later bar: local stop, hit = trail:push(bar.close, atr)
local rules = require "tidelock.rules"

local stops = {}

--- entry − multiplier·ATR (short: +).
function stops.initial(side, entry, atr, multiplier)
    if side == "SHORT" then return entry + atr * multiplier end
    return entry - atr * multiplier
end

--- To whole ticks, towards the price, so that rounding never adds risk: what the host does with
-- every stop a strategy gives. A strategy that compares stops, or prints them, does it first.
function stops.to_tick(side, stop, tick)
    if not tick or tick:sign() <= 0 then return stop end
    if side == "SHORT" then return stop:floor(tick) end
    return stop:ceil(tick)
end

--- max(stop so far, best close − multiplier·ATR) for longs, min and + for shorts. Pure.
function stops.follow(side, stop, best, atr, multiplier)
    if side == "SHORT" then
        local next_stop = best + atr * multiplier
        return next_stop < stop and next_stop or stop
    end
    local next_stop = best - atr * multiplier
    return next_stop > stop and next_stop or stop
end

--- Hit when the price is beyond the stop; touching it is not enough.
function stops.hit(side, stop, price)
    if side == "SHORT" then return price > stop end
    return price < stop
end

--- One close of a trailing stop: the stop, the best close, and whether this close is beyond the
-- stop that was in force before it or beyond the new one. Without `atr` the stop stays; with `tick`
-- it is in whole ticks. stops.hit, stops.follow and stops.to_tick in one call.
stops.trail = rules.trail

local trailing = {}
trailing.__index = trailing

--- A trailing stop that remembers the best close since the entry.
function stops.trailing(side, initial_stop, entry, multiplier)
    return setmetatable({ side = side, stop = initial_stop, best = entry, multiplier = multiplier },
        trailing)
end

--- Follows one close. Returns the stop and whether this close is beyond the stop that was in force
-- before it.
function trailing:push(close, atr)
    local hit
    self.stop, self.best, hit = stops.trail(self.side, self.stop, self.best, close, atr,
        self.multiplier)
    return self.stop, hit
end

return stops
