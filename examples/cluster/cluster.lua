-- One configuration for every host of a cluster. What differs is set from the environment, as
-- `run` beside this file does: TIDELOCK_INSTANCE, _LISTEN and _STORE_SPOOL for each host,
-- TIDELOCK_STORE_URL, _REDIS_URL, _BROKER_BASE_URL and _BROKER_WS_URL for all.
return {
    instance = "set by TIDELOCK_INSTANCE",
    mode = "active_active", -- every host trades; "active_passive": only the leader does
    listen = "127.0.0.1:0",
    store = { url = "postgresql://127.0.0.1/tidelock" },
    redis = { url = "redis://127.0.0.1:6379", prefix = "cluster" },
    leases = { dead_after = "3s" }, -- of a hung host; a killed one is noticed by its session

    account = { currency = "USDT", deposit = "1000000" },
    broker = {
        kind = "binance",
        market = "spot",
        api_key = "env:CLUSTER_API_KEY",
        secret = "env:CLUSTER_API_SECRET",
        base_url = "http://127.0.0.1:1",
        ws_url = "ws://127.0.0.1:1",
        recv_window = "2s",
    },
    instruments = {
        {
            name = "BTC",
            symbol = "BTCUSDT",
            tick = "0.01",
            quantity_step = "0.00001",
            min_quantity = "0.00001",
        },
        {
            name = "ETH",
            symbol = "ETHUSDT",
            tick = "0.01",
            quantity_step = "0.0001",
            min_quantity = "0.0001",
        },
        {
            name = "BNB",
            symbol = "BNBUSDT",
            tick = "0.1",
            quantity_step = "0.001",
            min_quantity = "0.001",
        },
    },
    strategies_dir = "examples/cluster/strategies",
    strategies = { { name = "follow" } },
    sources = { { name = "chart", strategy = "follow", open = true, rate_per_minute = 60000 } },
    rails = {
        max_order_quantity = "10", max_order_notional = "100000", max_position = "100",
        max_orders_per_minute = "6000", max_daily_loss = "100000", max_open_risk = "100000",
        price_collar_percent = "10",
    },
}
