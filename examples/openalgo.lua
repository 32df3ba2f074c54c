-- Trading through OpenAlgo on the same machine. The key is in the environment: OPENALGO_KEY.
-- Begin with mode = "analyze" (OpenAlgo's sandbox); switch both sides to "live" when it is right.
return {
    listen = "127.0.0.1:8787",
    store = { path = "var/openalgo.db" },
    account = { currency = "INR", deposit = "1000000", time_zone = "Asia/Kolkata" },
    broker = {
        kind = "openalgo",
        base_url = "http://127.0.0.1:5000",
        ws_url = "ws://127.0.0.1:8765",
        api_key = "env:OPENALGO_KEY",
        mode = "analyze",
        strategy = "tidelock",
        product = "NRML",
    },
    instruments = {
        {
            name = "BANK_NIFTY",
            exchange = "NFO",
            symbol = "BANKNIFTY30DEC25FUT", -- the contract that is traded now
            lot_size = "35", -- compared with the server's at the start
            tick = "0.05",
            point_value = "35",
            margin = "120000",
        },
    },
    strategies = { { name = "pyramid", protect = "broker" } },
    sources = { { name = "tradingview", path_secret = "env:HOOK_SECRET" } },
    feeds = { { instrument = "BANK_NIFTY", bars = "openalgo", interval = "15m", warm_up = 100 } },
    rails = {
        max_order_quantity = "10",
        max_order_notional = "20000000",
        max_position = "30",
        max_orders_per_minute = "30",
        max_daily_loss = "100000",
        max_open_risk = "200000",
        price_collar_percent = "5",
    },
}
