--- The pyramid strategy's own reading of the bars: when to enter, to add, to leave. Long only.
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
        quiet = 0,       -- bars to wait for the fill of what was asked
    }
end

local function layer_name(number)
    return "Long_" .. number
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

local function entry(f, kind, number, close, atr)
    return { {
        type = kind,
        position = layer_name(number),
        price = close,
        stop = stops.to_tick("LONG", stops.initial("LONG", close, atr, params.initial_stop_atr),
            f.instrument.tick),
        atr = atr,
    } }
end

local function in_position(s, f, close, up, atr)
    if stop_hit(s, f, close, atr) then
        s.quiet = 1
        return { { type = "EXIT", position = "ALL", price = close, note = "trailing stop "
            .. s.stop } }
    end
    if not up and params.exit_on_supertrend then
        s.quiet = 1
        return { { type = "EXIT", position = "ALL", price = close,
            note = "supertrend turned down" } }
    end
    local signals
    if up and (not s.asked or close > s.asked) and may_add(f, close, atr) then
        s.quiet, s.asked = 1, close
        signals = entry(f, "PYRAMID", f.pyramid.pyramids + 2, close, atr)
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

function trend.on_bar(bar, f, s)
    if not s then return nil end
    local _, up, atr = s.supertrend:push(bar)
    s.rsi:feed(bar)
    s.ema:feed(bar)
    s.er:feed(bar)
    s.channel:feed(bar)
    if not atr then return nil end
    if s.quiet > 0 then
        s.quiet = s.quiet - 1
        return nil
    end
    local close = bar.close
    if #f.positions > 0 then return in_position(s, f, close, up, atr) end
    s.stop = nil
    if up and is_strong(s, close) then
        s.quiet = 1
        return entry(f, "BASE_ENTRY", 1, close, atr)
    end
    return nil
end

return trend
