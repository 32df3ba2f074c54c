--- Opening range breakout: the first minutes of the session set a range; closing beyond it is
-- bought or sold, once a day and side; everything is flat before the session ends.
local bars = require "tidelock.bars"
local contracts = require "tidelock.contracts"
local gates = require "tidelock.gates"
local sessions = require "tidelock.sessions"
local sizing = require "tidelock.sizing"
local stops = require "tidelock.stops"

local function start()
    return {
        atr = ta.atr(params.atr_length),
        day = nil,          -- the exchange's day the range belongs to
        high = nil, low = nil,
        bought = false, sold = false,
    }
end

local function new_day(s, day)
    s.day, s.high, s.low, s.bought, s.sold = day, nil, nil, false, false
end

-- The stop is the other side of the range, but never farther than stop_atr ATRs.
local function enter(s, side, close, atr)
    local widest = stops.initial(side, close, atr, params.stop_atr)
    local stop
    if side == "SHORT" then
        s.sold = true
        stop = widest:min(s.high)
    else
        s.bought = true
        stop = widest:max(s.low)
    end
    return bars.enter(s, side, close, stop, atr)
end

local function hold(s, f, bar, _, session, day, exchange)
    local layer, close, ends = f.positions[1], bar.close, bar.at + params.bar_minutes * 60
    if ends >= session.closes - params.flat_minutes * 60 then
        return bars.leave(s, close, "end of the session")
    end
    if layer.opened_at and sessions.day(exchange, layer.opened_at) ~= day then
        return bars.leave(s, close, "left over from an earlier day")
    end
    if layer.stop and stops.hit(layer.side, layer.stop, close) then
        return bars.leave(s, close, "stop")
    end
    return nil
end

local function widen(s, bar)
    s.high = s.high and s.high:max(bar.high) or bar.high
    s.low = s.low and s.low:min(bar.low) or bar.low
end

local function read(s, bar, f)
    local atr, exchange = s.atr:push(bar), f.instrument.exchange
    local day, session = sessions.day(exchange, bar.at), sessions.at(exchange, bar.at)
    if day ~= s.day then new_day(s, day) end
    if session.open and session.kind == "regular" then return atr, session, day, exchange end
end

local function look(s, _, bar, atr, session)
    local close, ends = bar.close, bar.at + params.bar_minutes * 60
    if ends <= session.opens + params.range_minutes * 60 then
        widen(s, bar)
        return nil
    end
    if not s.high or ends > session.closes - params.last_entry_minutes * 60 then return nil end
    if close > s.high and not s.bought then return enter(s, "LONG", close, atr) end
    if params.short and close < s.low and not s.sold then return enter(s, "SHORT", close, atr) end
    return nil
end

return {
    name = "breakout",
    version = "1.0.0",
    description = "Opening range breakout in one session, long and short, flat before the close.",
    instruments = "*",

    params = {
        bar_minutes = { type = "integer", min = 1, max = 240, default = 15,
            doc = "length of the bars it is fed" },
        range_minutes = { type = "integer", min = 5, max = 240, default = 60,
            doc = "minutes that set the opening range" },
        last_entry_minutes = { type = "integer", min = 0, max = 600, default = 90,
            doc = "no entries in the last minutes of the session" },
        flat_minutes = { type = "integer", min = 0, max = 120, default = 15,
            doc = "flat this long before the session ends" },
        atr_length = { type = "integer", min = 2, max = 100, default = 14,
            doc = "length of the ATR" },
        stop_atr = { type = "decimal", min = "0.5", max = "10", default = "2",
            doc = "the widest stop in ATRs" },
        short = { type = "boolean", default = true,
            doc = "sell breakouts to the downside as well" },
        risk_percent = { type = "decimal", min = "0.05", max = "5", default = "0.5",
            doc = "equity lost when a position is stopped out" },
        max_margin_percent = { type = "decimal", min = "5", max = "100", default = "60",
            doc = "cap of margin in use, percent of equity" },
        max_risk_percent = { type = "decimal", min = "0.5", max = "15", default = "6",
            doc = "cap of the portfolio's open risk, percent of equity" },
        day_loss_percent = { type = "decimal", min = "0.1", max = "20", default = "2",
            doc = "no entries once the day has lost this much of equity" },
        price_percent = { type = "decimal", min = "0.05", max = "10", default = "1",
            doc = "an entry's price may be this far from the market's" },
    },

    gates = {
        gates.layers{ most = 0 },
        gates.session{ to_close = "flat_minutes" },
        gates.portfolio_heat{ risk_percent = "max_risk_percent",
            margin_percent = "max_margin_percent" },
        gates.day_loss{ most = "day_loss_percent" },
        gates.price_check{ base = "price_percent" },
    },

    size = function(f) return sizing.base(f, { risk_percent = params.risk_percent }) end,
    start = start,
    on_bar = bars.steps{ read = read, hold = hold, look = look },
    reconcile = contracts.careful,
}
