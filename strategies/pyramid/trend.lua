--- The pyramid strategy's own reading of the bars: when to enter, to add, to leave. Long only.
local bars = require "tidelock.bars"
local stops = require "tidelock.stops"
local feed = ta.feed

local trend = {}

-- Of the parameters, what every bar asks for: they never change within a version, and a plain table
-- is read faster than they are.
local p

--- Indicators of one instrument.
function trend.start()
    if params.signals ~= "bars" then return nil end
    p = p or {
        initial_stop_atr = params.initial_stop_atr, trailing_stop_atr = params.trailing_stop_atr,
        exit_on_supertrend = params.exit_on_supertrend,
        rsi_least = params.rsi_least, er_least = params.er_least,
    }
    return {
        supertrend = ta.supertrend(params.supertrend_length, params.supertrend_factor),
        rsi = ta.rsi(params.rsi_length),
        ema = ta.ema(params.ema_length),
        channel = ta.donchian(params.channel_length),
        er = ta.er(params.er_length),
        opened_at = nil, -- the base whose stop is trailed
        best = nil,      -- its highest close so far
        stop = nil,      -- its trailing stop
        asked = nil,     -- close at which a pyramid was asked for last: again only above it
    }
end

-- Follows the base's stop; true when this close is beyond it. The layer's row has the stop as it
-- was moved so far: a restart goes on from there.
local function stop_hit(s, f, close, atr)
    local base, tick = f.positions[1], f.instrument.tick
    if not s.stop or s.opened_at ~= base.opened_at then
        s.opened_at, s.best = base.opened_at, base.entry_price
        s.asked = nil
        s.stop = base.stop or stops.to_tick("LONG",
            stops.initial("LONG", base.entry_price, atr, p.initial_stop_atr), tick)
    end
    local stop, best, hit = stops.trail("LONG", s.stop, s.best, close, atr, p.trailing_stop_atr,
        tick)
    s.stop, s.best = stop, best
    return hit
end

-- One stop for all layers: those behind it are moved up, which is risk that is no longer open.
local function raise_stops(s, f, signals)
    local layers, wanted = f.positions, s.stop
    for i = 1, #layers do
        local stop = layers[i].stop
        if not stop or stop < wanted then
            signals = signals or {}
            signals[#signals + 1] = { type = "STOP", position = "ALL", stop = wanted }
            return signals
        end
    end
    return signals
end

-- More than pyramid_r R won and the layers far enough apart: what the gates will ask too, so that
-- few signals are in vain.
local function may_add(f, close, atr)
    local pyramid = f.pyramid
    if not pyramid or pyramid.pyramids >= params.pyramids then return false end
    local entry, stop = pyramid.base_entry_price, pyramid.base_stop
    if not entry or not stop then return false end
    return close - entry > (entry - stop) * params.pyramid_r
        and close - pyramid.last_entry_price >= atr * params.atr_spacing
end

local function enter(s, f, layer, close, atr)
    local stop = stops.initial("LONG", close, atr, p.initial_stop_atr)
    return bars.enter(s, "LONG", close, stops.to_tick("LONG", stop, f.instrument.tick), atr, layer)
end

local function hold(s, f, bar, _, up)
    local close, atr, signals = bar.close, s.supertrend:value(3), nil
    if stop_hit(s, f, close, atr) then
        return bars.leave(s, close, "trailing stop " .. s.stop)
    end
    if not up and p.exit_on_supertrend then
        return bars.leave(s, close, "supertrend turned down")
    end
    if up and (not s.asked or close > s.asked) and may_add(f, close, atr) then
        s.asked = close
        signals = enter(s, f, f.pyramid.pyramids + 2, close, atr)
    end
    return raise_stops(s, f, signals)
end

-- Up, strong, efficient, and above both the average and the channel.
local function look(s, f, bar, _, up)
    s.stop = nil
    if not up or not s.rsi:above(p.rsi_least) or not s.er:at_least(p.er_least) then return nil end
    local close = bar.close
    if not s.ema:below(close) or not s.channel:below(close) then return nil end
    return enter(s, f, 1, close, s.supertrend:value(3))
end

-- Whether the supertrend is warm, and up.
local function read(s, bar)
    feed(bar, s.supertrend, s.rsi, s.ema, s.er, s.channel)
    local up = s.supertrend:value(2)
    return up ~= nil, up
end

trend.on_bar = bars.steps{ read = read, hold = hold, look = look }

return trend
