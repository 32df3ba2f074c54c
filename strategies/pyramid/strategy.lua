--- Trend following with pyramids: a base entry on strength, up to five pyramids while it wins, one
-- trailing ATR stop for all.
--
-- Entries come from a chart (webhook signals BASE_ENTRY, PYRAMID, EXIT) or, with signals = "bars",
-- from the bars themselves: supertrend up, RSI strong, close above its EMA and above the Donchian
-- channel, an efficient move.
local contracts = require "tidelock.contracts"
local gates = require "tidelock.gates"
local sizing = require "tidelock.sizing"
local trend = require "trend"

-- Parameters never change within a version: the options are made once.
local base_options, pyramid_options

local function size(f)
    if not base_options then
        base_options = { risk_percent = params.risk_percent,
            volatility_percent = params.volatility_percent,
            er = params.scale_by_er and "er" or nil }
        pyramid_options = { base_share = params.pyramid_share, profit_share = params.profit_share }
    end
    return sizing.lots(f, base_options, pyramid_options)
end

return {
    name = "pyramid",
    version = "1.0.0",
    description = "Trend following: a base, up to five pyramids, one trailing ATR stop.",
    instruments = "*",

    params = {
        signals = { type = "choice", choices = { "bars", "chart" }, default = "bars",
            doc = "where entries and exits come from: the bars themselves, or webhook signals" },
        risk_percent = { type = "decimal", min = "0.05", max = "5", default = "0.5",
            doc = "equity lost when a base entry is stopped out" },
        volatility_percent = { type = "decimal", min = "0.05", max = "5", default = "0.5",
            doc = "equity moved by one ATR of a base entry" },
        scale_by_er = { type = "boolean", default = true,
            doc = "multiply the risk of a base entry by the signal's er field, when it has one" },
        pyramids = { type = "integer", min = 0, max = 5, default = 5,
            doc = "pyramids on one base" },
        pyramid_r = { type = "decimal", min = "0", max = "5", default = "1",
            doc = "the base must have won more than this many R before a pyramid" },
        atr_spacing = { type = "decimal", min = "0.1", max = "10", default = "0.5",
            doc = "least distance between layers in ATRs" },
        pyramid_share = { type = "decimal", min = "0.05", max = "1", default = "0.5",
            doc = "largest pyramid as a share of the base" },
        profit_share = { type = "decimal", min = "0.05", max = "1", default = "0.5",
            doc = "share of the profit beyond the base's risk that a pyramid may risk" },
        max_risk_percent = { type = "decimal", min = "0.5", max = "15", default = "12",
            doc = "cap of the portfolio's open risk, percent of equity" },
        max_volatility_percent = { type = "decimal", min = "0.5", max = "10", default = "4",
            doc = "cap of what one ATR moves, percent of equity" },
        max_margin_percent = { type = "decimal", min = "5", max = "100", default = "60",
            doc = "cap of margin in use, percent of equity" },
        base_price_percent = { type = "decimal", min = "0.05", max = "10", default = "2",
            doc = "a base entry's price may be this far from the market's" },
        pyramid_price_percent = { type = "decimal", min = "0.05", max = "10", default = "1",
            doc = "a pyramid's price may be this far from the market's" },
        initial_stop_atr = { type = "decimal", min = "0.5", max = "10", default = "1.5",
            doc = "bars: the initial stop's distance in ATRs" },
        trailing_stop_atr = { type = "decimal", min = "0.5", max = "20", default = "2.5",
            doc = "bars: the trailing stop's distance from the highest close in ATRs" },
        exit_on_supertrend = { type = "boolean", default = true,
            doc = "bars: leave when the supertrend turns down, too" },
        supertrend_length = { type = "integer", min = 2, max = 100, default = 10,
            doc = "bars: ATR length of the supertrend" },
        supertrend_factor = { type = "decimal", min = "0.5", max = "10", default = "1.5",
            doc = "bars: width of the supertrend" },
        rsi_length = { type = "integer", min = 2, max = 100, default = 6,
            doc = "bars: length of the RSI" },
        rsi_least = { type = "decimal", min = "0", max = "100", default = "70",
            doc = "bars: least RSI of an entry" },
        ema_length = { type = "integer", min = 2, max = 1000, default = 200,
            doc = "bars: length of the EMA below the close" },
        channel_length = { type = "integer", min = 2, max = 500, default = 20,
            doc = "bars: length of the Donchian channel broken out of" },
        er_length = { type = "integer", min = 2, max = 100, default = 3,
            doc = "bars: length of the efficiency ratio" },
        er_least = { type = "decimal", min = "0", max = "1", default = "0.8",
            doc = "bars: least efficiency ratio of an entry" },
    },

    extra = { er = "decimal" },

    gates = {
        gates.layers{ most = "pyramids" },
        gates.one_r{ multiple = "pyramid_r" },
        gates.atr_spacing{ spacing = "atr_spacing" },
        gates.portfolio_heat{ risk_percent = "max_risk_percent",
            volatility_percent = "max_volatility_percent",
            margin_percent = "max_margin_percent", profit = true },
        gates.price_check{ base = "base_price_percent", pyramid = "pyramid_price_percent" },
    },

    size = size,
    start = trend.start,
    on_bar = trend.on_bar,
    reconcile = contracts.careful,
    rollover = contracts.before_expiry{ sessions = 2 },
}
