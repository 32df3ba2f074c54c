-- What `make run` starts: two synthetic markets, three strategies, a paper broker, one SQLite file.
-- No money is anywhere near it. Copy this file to begin your own configuration; every setting with
-- its default is listed by `tidelock check --settings`.
--
-- Money, prices and quantities are written as text so that they stay exact. Durations are "250ms",
-- "30s", "15m", "2h". Scalars can be set from the environment: TIDELOCK_LISTEN,
-- TIDELOCK_STORE_PATH, TIDELOCK_LOG_LEVEL ...
return {
    instance = "demo",
    listen = "127.0.0.1:8787", -- webhook, API, dashboard; beyond loopback admin.token is required
    store = { path = "var/tidelock.db" },
    log = { level = "info" },

    account = { currency = "INR", deposit = "5000000", time_zone = "Asia/Kolkata" },

    -- A small fee and a little slippage, so that the equity curve is honest about costs.
    broker = {
        kind = "paper",
        fee_percent = "0.005",
        slippage_percent = "0.005",
        latency = "40ms",
        partial_permille = 100, -- one fill in ten comes in two parts
    },

    instruments = {
        { name = "BANK_NIFTY", exchange = "NSE", lot_size = "30", tick = "0.05", point_value = "30",
          margin = "270000", max_quantity = "40" },
        { name = "GOLD_MINI", exchange = "MCX", lot_size = "100", tick = "1", point_value = "10",
          margin = "105000", max_quantity = "100" },
    },

    -- Folders under strategies/, loaded again when their files change. `params` are checked against
    -- the schema that each strategy declares.
    strategies = {
        { name = "pyramid", params = { risk_percent = "0.4", max_margin_percent = "80" } },
        { name = "meanrev", params = { risk_percent = "0.3", max_margin_percent = "80",
                                       max_risk_percent = "12" } },
        { name = "breakout" }, -- keeps to the exchange's sessions: idle while that is closed
    },

    -- Who may send signals. A source proves who it is, or says open = true.
    sources = {
        { name = "demo", strategy = "pyramid", open = true, rate_per_minute = 60000 },

        -- TradingView: a secret as the last part of the path (its alerts carry no headers), its
        -- four addresses, and charts whose timestamps name no zone.
        --   POST https://your.host/webhook/tradingview/<secret>
        -- { name = "tradingview", strategy = "pyramid",
        --   path_secret = "env:TIDELOCK_TRADINGVIEW_SECRET",
        --   allow = { "52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7" },
        --   naive_time_zone = "Asia/Kolkata", rate_per_minute = 600, silence = "6h" },

        -- A model of your own: Standard Webhooks signatures (examples/send.sh, send.py, send.js).
        -- { name = "model", strategy = "meanrev",
        --   hmac_secret = "file:/etc/tidelock/model.secret" },

        -- Any other shape of payload: name where each field stands, or build it from a template.
        -- { name = "bot", strategy = "pyramid", secret_field = "token",
        --   body_secret = "env:TIDELOCK_BOT_SECRET",
        --   mapping = { instrument = "data.ticker", price = "data.close",
        --               timestamp = "data.time" } },
    },

    -- Synthetic bars at a brisk pace. For real ones: bars = "path/to/bars.csv".
    feeds = {
        { instrument = "BANK_NIFTY", bars = "synthetic", interval = "15m", per_second = "4",
          seed = 7, start_price = "52000", warm_up = 300 },
        { instrument = "GOLD_MINI", bars = "synthetic", interval = "15m", per_second = "4",
          seed = 11, start_price = "72000", warm_up = 300 },
    },

    -- The last word before an order leaves. A policy can be stricter, never looser; each rail is
    -- set, or waived in so many words.
    rails = {
        max_order_quantity = "20",        -- lots in one order
        max_order_notional = "40000000",  -- money in one order
        max_position = "40",              -- lots open on one instrument
        max_orders_per_minute = "120",
        max_daily_loss = "500000",
        max_open_risk = "1000000",        -- money lost if every stop were hit
        price_collar_percent = "2",       -- distance from the last trade
    },

    staleness = { entry_max_age = "60s", entry_max_future = "30s" }, -- an exit is never too old
}
