"""Prices, tickers and books: what the exchange tells everybody, spot and futures alike."""
from binance.floor import Floor
from past import number


class Public(Floor):
    def quote(self, symbol):
        price = self.engine.prices[symbol.name]
        return {
            "symbol": symbol.name,
            "bidPrice": number(price - symbol.tick),
            "bidQty": "5.00000000",
            "askPrice": number(price + symbol.tick),
            "askQty": "5.00000000",
        }

    def each_symbol(self, params, tell):
        if params.get("symbol") is not None:
            return tell(self.symbol(params))
        return [tell(symbol) for symbol in self.symbols.values()]

    def book_ticker(self, params):
        return self.each_symbol(params, self.quote)

    def ticker_price(self, params):
        return self.each_symbol(
            params, lambda s: {"symbol": s.name, "price": number(self.engine.prices[s.name])}
        )

    def average_price(self, params):
        price = number(self.engine.prices[self.symbol(params).name])
        return {"mins": 5, "price": price, "closeTime": self.clock()}

    def day_of(self, symbol):
        price, now = self.engine.prices[symbol.name], self.clock()
        change = price - symbol.price
        return {
            "symbol": symbol.name,
            "priceChange": number(change),
            "priceChangePercent": number(change / symbol.price * 100, 3),
            "weightedAvgPrice": number(price),
            "prevClosePrice": number(symbol.price),
            "lastPrice": number(price),
            "lastQty": "0.01000000",
            **{k: v for k, v in self.quote(symbol).items() if k != "symbol"},
            "openPrice": number(symbol.price),
            "highPrice": number(max(price, symbol.price)),
            "lowPrice": number(min(price, symbol.price)),
            "volume": "1000.00000000",
            "quoteVolume": number(price * 1000),
            "openTime": now - 86_400_000,
            "closeTime": now,
            "firstId": 1,
            "lastId": len(self.engine.trades) + 1,
            "count": len(self.engine.trades) + 1,
        }

    def ticker_day(self, params):
        return self.each_symbol(params, self.day_of)

    def levels(self, symbol, count):
        price = self.engine.prices[symbol.name]
        steps = range(1, count + 1)
        return (
            [[number(price - symbol.tick * n), "5.00000000"] for n in steps],
            [[number(price + symbol.tick * n), "5.00000000"] for n in steps],
        )

    def depth(self, params):
        bids, asks = self.levels(self.symbol(params), min(params.integer("limit", 100), 1000))
        return {"lastUpdateId": self.streams.update_id, "bids": bids, "asks": asks}

    def recent_trades(self, params):
        symbol = self.symbol(params)
        return [
            {
                "id": t.id,
                "price": number(t.price),
                "qty": number(t.quantity),
                "quoteQty": number(t.quantity * t.price),
                "time": t.at_ms,
                "isBuyerMaker": (t.order.side == "BUY") == t.maker,
                "isBestMatch": True,
            }
            for t in self.engine.trades[-500:]
            if t.order.symbol == symbol.name
        ]
