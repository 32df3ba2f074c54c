--- Mean reversion: buys what fell out of its Bollinger band while the RSI is exhausted, sells what
-- rose out of it, leaves at the mean. One layer, long and short.
local bars = require "tidelock.bars"
local contracts = require "tidelock.contracts"
local gates = require "tidelock.gates"
local sizing = require "tidelock.sizing"
local stops = require "tidelock.stops"

local function start()
    return {
        bands = ta.bollinger(params.band_length, params.band_width),
        rsi = ta.rsi(params.rsi_length),
        atr = ta.atr(params.atr_length),
        ema = ta.ema(params.trend_length),
        held = 0, -- bars in the position
    }
end

local function read(s, bar)
    local mean, upper, lower = s.bands:push(bar)
    local rsi, atr, ema = s.rsi:push(bar), s.atr:push(bar), s.ema:push(bar)
    if rsi and atr and ema then return mean, upper, lower, rsi, atr, ema end
end

local function hold(s, f, bar, mean)
    local close, layer = bar.close, f.positions[1]
    local short = layer.side == "SHORT"
    s.held = s.held + 1
    if layer.stop and stops.hit(layer.side, layer.stop, close) then
        return bars.leave(s, close, "stop")
    end
    if short and close <= mean or not short and close >= mean then
        return bars.leave(s, close, "back at the mean")
    end
    if s.held >= params.most_bars then return bars.leave(s, close, "held long enough") end
    return nil
end

local function look(s, _, bar, mean, upper, lower, rsi, atr, ema)
    local close, either, side = bar.close, not params.with_trend, nil
    s.held = 0
    if close < lower and rsi < params.rsi_low and (either or mean > ema) then
        side = "LONG"
    elseif params.short and close > upper and rsi > params.rsi_high
        and (either or mean < ema) then
        side = "SHORT"
    end
    return side and bars.enter(s, side, close, stops.initial(side, close, atr, params.stop_atr),
        atr)
end

return {
    name = "meanrev",
    version = "1.0.0",
    description = "Mean reversion: Bollinger band and RSI, back to the mean, long and short.",
    instruments = "*",

    params = {
        band_length = { type = "integer", min = 5, max = 500, default = 20,
            doc = "length of the Bollinger band" },
        band_width = { type = "decimal", min = "0.5", max = "5", default = "2.2",
            doc = "its width in deviations" },
        rsi_length = { type = "integer", min = 2, max = 100, default = 14,
            doc = "length of the RSI" },
        rsi_low = { type = "decimal", min = "0", max = "50", default = "28",
            doc = "RSI below which longs are bought" },
        rsi_high = { type = "decimal", min = "50", max = "100", default = "72",
            doc = "RSI above which shorts are sold" },
        atr_length = { type = "integer", min = 2, max = 100, default = 14,
            doc = "length of the ATR" },
        with_trend = { type = "boolean", default = true,
            doc = "longs only with the mean above the EMA, shorts only below it" },
        trend_length = { type = "integer", min = 2, max = 1000, default = 200,
            doc = "length of the EMA that tells the trend" },
        stop_atr = { type = "decimal", min = "0.5", max = "10", default = "3",
            doc = "the stop's distance in ATRs" },
        most_bars = { type = "integer", min = 1, max = 1000, default = 50,
            doc = "bars after which a position is left" },
        short = { type = "boolean", default = true, doc = "sell short as well" },
        risk_percent = { type = "decimal", min = "0.05", max = "5", default = "0.5",
            doc = "equity lost when a position is stopped out" },
        max_risk_percent = { type = "decimal", min = "0.5", max = "15", default = "6",
            doc = "cap of the portfolio's open risk, percent of equity" },
        max_margin_percent = { type = "decimal", min = "5", max = "100", default = "60",
            doc = "cap of margin in use, percent of equity" },
        day_loss_percent = { type = "decimal", min = "0.1", max = "20", default = "2",
            doc = "no entries once the day has lost this much of equity" },
        price_percent = { type = "decimal", min = "0.05", max = "10", default = "1",
            doc = "an entry's price may be this far from the market's" },
    },

    gates = {
        gates.layers{ most = 0 },
        gates.portfolio_heat{ risk_percent = "max_risk_percent",
            margin_percent = "max_margin_percent" },
        gates.day_loss{ most = "day_loss_percent" },
        gates.price_check{ base = "price_percent" },
    },

    size = function(f) return sizing.base(f, { risk_percent = params.risk_percent }) end,
    start = start,
    on_bar = bars.steps{ read = read, hold = hold, look = look },
    reconcile = contracts.careful,
    rollover = contracts.before_expiry{ sessions = 2 },
}
