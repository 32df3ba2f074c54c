-- Binance: spot or USD-M futures. This one looks at the spot test network; leave the three URLs out
-- for the real exchange. `tidelock check --config examples/binance.lua` says what is missing.
--
-- Make a key pair, and give Binance the public half (API management, self-generated key):
--     openssl genpkey -algorithm ed25519 -out binance.pem && chmod 600 binance.pem
--     openssl pkey -in binance.pem -pubout
-- The key needs the right to trade and none to withdraw; bind it to your address.
return {
    instance = "binance",
    listen = "127.0.0.1:8787",
    store = { path = "var/binance.db" },
    account = { currency = "USDT", deposit = "10000" },

    broker = {
        kind = "binance", -- "paper": the same prices, and no money
        market = "spot", -- or "usdm"
        api_key = "env:BINANCE_KEY",
        private_key = "file:binance.pem",
        base_url = "https://testnet.binance.vision",
        ws_url = "wss://stream.testnet.binance.vision",
        ws_api_url = "wss://ws-api.testnet.binance.vision/ws-api/v3",
        recv_window = "3s", -- what arrives later is refused there
    },

    -- Quantities are lots; with lot_size 1 a lot is one coin. Steps as the exchange has them: what
    -- breaks its rules is refused before it is sent. On spot, let fees be taken in another coin
    -- (BNB): a fee taken from the coin that was bought leaves less to sell than the position says.
    instruments = {
        { name = "BTC", symbol = "BTCUSDT", lot_size = "1", tick = "0.01",
          quantity_step = "0.00001", min_quantity = "0.00001", max_quantity = "1",
          point_value = "1", margin = "50000" },
    },

    -- Prices and bars of the market itself. An entry waits for nothing older than five seconds.
    feeds = {
        { instrument = "BTC", bars = "binance", interval = "15m", warm_up = 200 },
    },

    strategies = {
        { name = "meanrev", params = { risk_percent = "0.3" } },
    },
    sources = {
        { name = "model", strategy = "meanrev", hmac_secret = "env:TIDELOCK_MODEL_SECRET" },
    },

    rails = {
        max_order_quantity = "0.05",
        max_order_notional = "5000",
        max_position = "0.1",
        max_orders_per_minute = "10",
        max_daily_loss = "200",
        max_open_risk = "300",
        price_collar_percent = "2",
    },
}
