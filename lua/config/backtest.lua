-- What `tidelock backtest` assumes when no --config is given: the founding instruments, a paper broker
-- with costs, and rails that a backtest may waive because no money is behind it.
return {
    account = { currency = "INR", deposit = "5000000", time_zone = "Asia/Kolkata" },
    store = { path = "unused" },
    broker = { kind = "paper", fee_percent = "0.01", slippage_percent = "0.01", latency = "1ms" },
    instruments = {
        { name = "BANK_NIFTY", exchange = "NSE", lot_size = "30", tick = "0.05", point_value = "30", margin = "270000" },
        { name = "GOLD_MINI", exchange = "MCX", lot_size = "100", tick = "1", point_value = "10", margin = "105000" },
        { name = "COPPER", exchange = "MCX", lot_size = "2500", tick = "0.05", point_value = "2500", margin = "300000" },
        { name = "SILVER_MINI", exchange = "MCX", lot_size = "5", tick = "1", point_value = "5", margin = "385000" },
    },
    strategies = { { name = "pyramid" } },
    rails = {
        max_order_quantity = "waived", max_order_notional = "waived", max_position = "waived",
        max_orders_per_minute = "waived", max_daily_loss = "waived", max_open_risk = "waived",
        price_collar_percent = "waived",
    },
    watch = false,
}
