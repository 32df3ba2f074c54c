"""What is listed, and the filters that an order must pass."""
from decimal import Decimal

from past import number


class Symbol:
    def __init__(self, name, base, quote, price, tick, step, notional):
        self.name, self.base, self.quote, self.status = name, base, quote, "TRADING"
        self.price, self.tick, self.step = Decimal(price), Decimal(tick), Decimal(step)
        self.low_price, self.high_price = self.tick, Decimal(1_000_000)
        self.low_quantity, self.high_quantity = self.step, Decimal(9000)
        self.high_market, self.notional = Decimal(1000), Decimal(notional)
        self.high_notional, self.orders_max = Decimal(9_000_000), 200

    def change(self, given):
        """Filters and status as the judge wants them from now on."""
        for name, value in given.items():
            if not hasattr(self, name):
                raise KeyError(name)
            setattr(self, name, value if name == "status" else Decimal(str(value)))

    def fault(self, kind, quantity, price, stop, reference):
        """The first filter that the order breaks, or None."""
        for value in (price, stop):
            if value is not None and not (
                self.low_price <= value <= self.high_price and value % self.tick == 0
            ):
                return "PRICE_FILTER"
        if not self.low_quantity <= quantity <= self.high_quantity or quantity % self.step:
            return "LOT_SIZE"
        if kind == "MARKET" and quantity > self.high_market:
            return "MARKET_LOT_SIZE"
        worth = quantity * (price if price is not None else reference)
        if not self.notional <= worth <= self.high_notional:
            return "NOTIONAL"
        return None

    def spot_filters(self):
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": number(self.low_price),
                "maxPrice": number(self.high_price),
                "tickSize": number(self.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": number(self.low_quantity),
                "maxQty": number(self.high_quantity),
                "stepSize": number(self.step),
            },
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": number(self.high_market),
                "stepSize": "0.00000000",
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": number(self.notional),
                "applyMinToMarket": True,
                "maxNotional": number(self.high_notional),
                "applyMaxToMarket": True,
                "avgPriceMins": 0,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": int(self.orders_max)},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        ]

    def futures_filters(self):
        kept = [f for f in self.spot_filters() if f["filterType"] in ("PRICE_FILTER", "LOT_SIZE")]
        market = dict(kept[1], filterType="MARKET_LOT_SIZE", maxQty=number(self.high_market))
        return kept + [
            market,
            {"filterType": "MAX_NUM_ORDERS", "limit": int(self.orders_max)},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
            {"filterType": "MIN_NOTIONAL", "notional": number(self.notional, 0)},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": "1.0500",
                "multiplierDown": "0.9500",
                "multiplierDecimal": "4",
            },
        ]


def spot_symbols():
    return [
        Symbol("BTCUSDT", "BTC", "USDT", "60000", "0.01", "0.00001", "5"),
        Symbol("ETHUSDT", "ETH", "USDT", "3000", "0.01", "0.0001", "5"),
        Symbol("BNBUSDT", "BNB", "USDT", "600", "0.1", "0.001", "5"),
        Symbol("ETHBTC", "ETH", "BTC", "0.05", "0.00001", "0.0001", "0.0001"),
    ]


def futures_symbols():
    return [
        Symbol("BTCUSDT", "BTC", "USDT", "60000", "0.10", "0.001", "5"),
        Symbol("ETHUSDT", "ETH", "USDT", "3000", "0.01", "0.001", "5"),
    ]
