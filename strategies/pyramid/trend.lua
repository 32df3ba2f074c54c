--- The pyramid strategy's own reading of the bars: when to enter, to add, to leave. Long only.
local bars = require "tidelock.bars"
local stops = require "tidelock.stops"

local trend = {}

--- Indicators of one instrument.
function trend.start()
    if params.signals ~= "bars" then return nil end
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
            stops.initial("LONG", base.entry_price, atr, params.initial_stop_atr), tick)
    end
    if close < s.stop then return true end
    if close > s.best then s.best = close end
    s.stop = stops.to_tick("LONG",
        stops.follow("LONG", s.stop, s.best, atr, params.trailing_stop_atr), tick)
    return close < s.stop
end

-- One stop for all layers: those behind it are moved up, which is risk that is no longer open.
local function raise_stops(s, f, signals)
    for i = 1, #f.positions do
        local stop = f.positions[i].stop
        if not stop or stop < s.stop then
            signals = signals or {}
            signals[#signals + 1] = { type = "STOP", position = "ALL", stop = s.stop }
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
    local stop = stops.initial("LONG", close, atr, params.initial_stop_atr)
    return bars.enter(s, "LONG", close, stops.to_tick("LONG", stop, f.instrument.tick), atr, layer)
end

local function hold(s, f, bar, atr, up)
    local close, signals = bar.close, nil
    if stop_hit(s, f, close, atr) then
        return bars.leave(s, close, "trailing stop " .. s.stop)
    end
    if not up and params.exit_on_supertrend then
        return bars.leave(s, close, "supertrend turned down")
    end
    if up and (not s.asked or close > s.asked) and may_add(f, close, atr) then
        s.asked = close
        signals = enter(s, f, f.pyramid.pyramids + 2, close, atr)
    end
    return raise_stops(s, f, signals)
end

-- Up, strong, efficient, and above both the average and the channel.
local function is_strong(s, close)
    local rsi, er = s.rsi:value(), s.er:value()
    if not rsi or not er or rsi <= params.rsi_least or er < params.er_least then return false end
    local ema, upper = s.ema:value(), s.channel:value()
    return ema and upper and close > ema and close > upper
end

local function read(s, bar)
    local _, up, atr = s.supertrend:push(bar)
    s.rsi:feed(bar)
    s.ema:feed(bar)
    s.er:feed(bar)
    s.channel:feed(bar)
    return atr, up
end

local function look(s, f, bar, atr, up)
    s.stop = nil
    if up and is_strong(s, bar.close) then return enter(s, f, 1, bar.close, atr) end
    return nil
end

trend.on_bar = bars.steps{ read = read, hold = hold, look = look }

return trend
