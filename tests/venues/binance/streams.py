"""Everything over WebSocket: market streams, and the WebSocket API with its user data.

A socket on /ws or /stream has a set of stream names; one on /ws-api or /ws-fapi speaks requests
with ids and may be subscribed to the account's events; /ws/<listenKey> is the futures' user stream.
"""
import json
import time
from decimal import Decimal
from urllib.parse import parse_qsl, unquote

from judge import Delivery
from matching import ZERO
from past import INTERVALS, MINUTE, number
from wire import Answer, WebSocket

MESSAGES_A_SECOND = 5
TRADED = Decimal("0.01")  # what the market trades with every move of the price


class Streams:
    def __init__(self, floor):
        self.floor = floor
        self.update_id = self.execution_id = self.trade_id = 0
        self.user = Delivery(floor.judge, floor.settings, is_fill, self.send_user).tell
        self.bars = {}  # (symbol, minutes): the bar that is open now

    # ---- sockets -----------------------------------------------------------------------------

    async def serve(self, request):
        path = request.path
        for part in ("/public", "/market", "/private"):  # the futures' newer addresses
            path = path.removeprefix(part)
        if path.startswith(("/ws-api/", "/ws-fapi/")):
            from binance.wsapi import Session

            async with WebSocket(request, "api") as ws:
                await Session(self.floor, ws).run()
            return None
        if not path.startswith(("/ws", "/stream")):
            return Answer(404, "")
        async with WebSocket(request, "market") as ws:  # or "user", if it names a listen key
            ws.combined = path.startswith("/stream")
            ws.names = self.first_names(path, request.query)
            self.know_user(ws)
            await self.obey(ws)
        return None

    @staticmethod
    def first_names(path, query):
        given = dict(parse_qsl(query))
        text = given.get("streams") or given.get("listenKey") or path[len("/ws/") :]
        text = "" if path.startswith("/stream") and "streams" not in given else unquote(text)
        return {name for name in text.split("/") if name}

    def know_user(self, ws):
        """A socket that names a listen key hears of the account."""
        ws.key = next((n for n in ws.names if n in self.floor.listen_keys), None)
        if ws.key:
            ws.kind = "user"

    async def obey(self, ws):
        """SUBSCRIBE and its like; more than five messages a second end the connection."""
        second, count = 0, 0
        while (text := await ws.receive()) is not None:
            now = int(time.monotonic())
            second, count = now, count + 1 if now == second else 1
            if count > MESSAGES_A_SECOND:
                ws.close(1008, "Too many requests")
                return
            try:
                given = json.loads(text)
                names, number_ = given.get("params") or [], given.get("id")
            except (ValueError, AttributeError):
                ws.send({"code": 2, "msg": "Invalid request: invalid JSON"})
                continue
            method = given.get("method")
            if method == "SUBSCRIBE":
                ws.names |= set(names)
                self.know_user(ws)
            elif method == "UNSUBSCRIBE":
                ws.names -= set(names)
            elif method == "LIST_SUBSCRIPTIONS":
                ws.send({"result": sorted(ws.names), "id": number_})
                continue
            else:
                ws.send({"code": 2, "msg": "Invalid request: unknown variant " + repr(method)})
                continue
            ws.send({"result": None, "id": number_})
            if method == "SUBSCRIBE" and self.floor.options.greet:
                self.greet(ws, names)

    def greet(self, ws, names):
        """A first picture of what was subscribed, so that nobody waits for the price to move."""
        for name in names:
            symbol = self.floor.symbols.get(name.split("@")[0].upper())
            if symbol:
                for stream, event in self.events(symbol):
                    if stream == name:
                        self.give(ws, stream, event)

    @staticmethod
    def give(ws, stream, event):
        ws.send({"stream": stream, "data": event} if ws.combined else event)

    # ---- market data -------------------------------------------------------------------------

    def market(self, name):
        """The price has moved, or trading has: everyone subscribed is told."""
        symbol = self.floor.symbols[name]
        self.update_id += 1
        self.trade_id += 1
        events = self.events(symbol)
        if self.floor.settings["skip_market"] > 0:  # a gap: the numbers go on, the events do not
            self.floor.settings["skip_market"] -= 1
            return
        for ws in list(self.floor.server.sockets):
            if getattr(ws, "names", None):
                for stream, event in events:
                    if stream in ws.names or "!" + stream.partition("@")[2] in ws.names:
                        self.give(ws, stream, event)

    def traded(self, trade):
        self.market(trade.order.symbol)

    def events(self, symbol):
        now, low = self.floor.clock(), symbol.name.lower()
        price = self.floor.engine.prices[symbol.name]
        text = number(price)
        quote = self.floor.quote(symbol)
        day = self.floor.day_of(symbol)
        bids, asks = self.floor.levels(symbol, 20)
        usdm = {"e": "bookTicker", "E": now, "T": now} if self.floor.name == "usdm" else {}
        mini = {
            "e": "24hrMiniTicker",
            "E": now,
            "s": symbol.name,
            "c": text,
            "o": day["openPrice"],
            "h": day["highPrice"],
            "l": day["lowPrice"],
            "v": day["volume"],
            "q": day["quoteVolume"],
        }
        trade = {
            "E": now,
            "s": symbol.name,
            "p": text,
            "q": "0.01000000",
            "T": now,
            "m": False,
        }
        told_all = [
            (
                low + "@bookTicker",
                {
                    **usdm,
                    "u": self.update_id,
                    "s": symbol.name,
                    "b": quote["bidPrice"],
                    "B": quote["bidQty"],
                    "a": quote["askPrice"],
                    "A": quote["askQty"],
                },
            ),
            (low + "@trade", dict(trade, e="trade", t=self.trade_id, M=True)),
            (
                low + "@aggTrade",
                dict(trade, e="aggTrade", a=self.trade_id, f=self.trade_id, l=self.trade_id),
            ),
            (low + "@miniTicker", mini),
            (low + "@ticker", dict(mini, e="24hrTicker", b=quote["bidPrice"], a=quote["askPrice"])),
            (low + "@markPrice", {"e": "markPriceUpdate", "E": now, "s": symbol.name, "p": text}),
        ]
        for levels in (5, 10, 20):
            book = {"bids": bids[:levels], "asks": asks[:levels]}
            picture = dict(book, lastUpdateId=self.update_id)
            told_all += [(f"{low}@depth{levels}{tail}", picture) for tail in ("", "@100ms")]
        change = {"e": "depthUpdate", "E": now, "s": symbol.name, "b": bids[:5], "a": asks[:5]}
        change.update(U=self.update_id, u=self.update_id)
        told_all += [(low + "@depth" + tail, change) for tail in ("", "@100ms")]
        told_all += [(f"{low}@kline_{i}", self.kline(symbol, i, now, price)) for i in INTERVALS]
        return told_all

    def kline(self, symbol, interval, now, price):
        """The open bar after this price; made of the prices told since its minute began."""
        width = INTERVALS[interval] * MINUTE
        opened = now // width * width
        bar = self.bars.get((symbol.name, interval))
        if bar is not None and bar["t"] != opened:
            self.close_bar(symbol, interval, bar)
        if bar is None or bar["t"] != opened:
            bar = {"t": opened, "o": price, "h": price, "l": price, "c": price, "v": ZERO}
            self.bars[symbol.name, interval] = bar
        bar["h"], bar["l"], bar["c"] = max(bar["h"], price), min(bar["l"], price), price
        bar["v"] += TRADED
        self.keep_bar(symbol, interval, bar)
        return self.told_bar(symbol, interval, bar, False)

    def keep_bar(self, symbol, interval, bar):
        """From now on GET klines has it too."""
        values = tuple(bar[name] for name in "ohlcv")
        self.floor.pasts[symbol.name].lived[bar["t"], INTERVALS[interval]] = values

    def close_bar(self, symbol, interval, bar):
        """The last word on a bar: the one event that has x true."""
        self.keep_bar(symbol, interval, bar)
        stream = f"{symbol.name.lower()}@kline_{interval}"
        event = self.told_bar(symbol, interval, bar, True)
        for ws in list(self.floor.server.sockets):
            if stream in getattr(ws, "names", ()):
                self.give(ws, stream, event)
        return event

    def told_bar(self, symbol, interval, bar, closed):
        worth = bar["v"] * (bar["o"] + bar["c"]) / 2
        told = {
            "t": bar["t"],
            "T": bar["t"] + INTERVALS[interval] * MINUTE - 1,
            "s": symbol.name,
            "i": interval,
            "f": 1,
            "L": self.trade_id,
            **{name: number(bar[name]) for name in "ochlv"},
            "n": max(1, int(bar["v"] / TRADED)),
            "x": closed,
            "q": number(worth),
            "V": number(bar["v"] / 2),
            "Q": number(worth / 2),
            "B": "0",
        }
        return {"e": "kline", "E": self.floor.clock(), "s": symbol.name, "k": told}

    # ---- user data ---------------------------------------------------------------------------

    def send_user(self, event):
        for ws in list(self.floor.server.sockets):
            if ws.kind == "user" and getattr(ws, "key", None) is not None:
                self.give(ws, ws.key, event)
            for number_ in getattr(ws, "subscriptions", ()):
                ws.send({"subscriptionId": number_, "event": event})


def is_fill(event):
    return (
        event.get("x") == "TRADE"
        or event.get("o", {})
        and (isinstance(event["o"], dict) and event["o"].get("x") == "TRADE")
    )
