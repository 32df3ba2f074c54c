-- Does what the chart says, in the chart's size: the example is about hosts, not about rules.
return {
    name = "follow",
    version = "1",
    instruments = { "BTC", "ETH", "BNB" },
    gates = {
        { name = "priced", check = function(facts)
            if facts.signal.type == "EXIT" or facts.signal.price then return true end
            return false, "an entry needs a price"
        end },
    },
    size = function(facts)
        return { quantity = facts.signal.quantity or decimal("0.01"), limited_by = "chart",
                 stop = facts.signal.stop }
    end,
}
