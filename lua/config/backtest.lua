-- What `tidelock backtest` assumes when no configuration is given: the founding instruments, a
-- paper broker with costs, and rails that a backtest may waive because no money is behind it.
local function instrument(name, exchange, lot_size, tick, point_value, margin)
    return { name = name, exchange = exchange, lot_size = lot_size, tick = tick,
             point_value = point_value, margin = margin }
end

return {
    account = { currency = "INR", deposit = "5000000", time_zone = "Asia/Kolkata" },
    store = { path = "unused" },
    broker = { kind = "paper", fee_percent = "0.01", slippage_percent = "0.01", latency = "1ms" },
    instruments = {
        instrument("BANK_NIFTY", "NSE", "30", "0.05", "30", "270000"),
        instrument("GOLD_MINI", "MCX", "100", "1", "10", "105000"),
        instrument("COPPER", "MCX", "2500", "0.05", "2500", "300000"),
        instrument("SILVER_MINI", "MCX", "5", "1", "5", "385000"),
    },
    strategies = { { name = "pyramid" } },
    rails = {
        max_order_quantity = "waived", max_order_notional = "waived", max_position = "waived",
        max_orders_per_minute = "waived", max_daily_loss = "waived", max_open_risk = "waived",
        price_collar_percent = "waived",
    },
    watch = false,
}
