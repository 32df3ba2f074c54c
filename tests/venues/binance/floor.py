"""The exchange's floor, spot and futures alike: door, keys, clock, limits, orders, judge's verbs.

A market (spot.py, futures.py) gives routes, filters' codes, replies and events; what is common to
every request - signature, timestamp, weight - is decided here, in one place.
"""
import re
import time
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from judge import DELIVERY, HTML, Judge
from matching import Engine, Order, plain
from wire import REASONS, Answer, Server, now_ms

from binance.signing import split_signature, well_encoded
from binance.streams import Streams

CLIENT_ID = {"spot": r"[a-zA-Z0-9-_]{1,36}", "usdm": r"[\.A-Z\:/a-z0-9_-]{1,36}"}
UNKNOWN_503 = "Unknown error, please check your request or try again later."
FAILED_503 = "Internal error; unable to process your request. Please try again."


class Refusal(Exception):
    """A request that is answered with a code and a sentence."""

    def __init__(self, code, message, status=400, headers=(), more=None):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.headers, self.more = list(headers), more or {}

    def body(self):
        return {"code": self.code, "msg": self.message, **self.more}


def error(status, code, message, headers=()):
    def make(given):
        return Answer(status, {"code": code, "msg": given.get("msg", message)}, headers)

    return make


def limited(status, message):
    def make(given):
        seconds = given.get("retry_after", 1)
        text = message.format(until=now_ms() + seconds * 1000)
        return Answer(status, {"code": -1003, "msg": text}, [("Retry-After", str(seconds))])

    return make


def page(status):
    return lambda given: Answer(
        status, given.get("body", HTML.format(REASONS[status])), kind="text/html"
    )


TIMEOUT = (
    "Timeout waiting for response from backend server. "
    "Send status unknown; execution status unknown."
)
UNEXPECTED = "An unexpected response was received from the message bus. Execution status unknown."
FAULTS = {  # action: (whether the request is applied unless the rule says otherwise, the answer)
    "error_1000": (
        True,
        error(500, -1000, "An unknown error occurred while processing the request."),
    ),
    "error_1001": (True, error(500, -1001, "Internal error; unable to process your request.")),
    "error_1006": (True, error(400, -1006, UNEXPECTED)),
    "error_1007": (True, error(503, -1007, TIMEOUT)),
    "error_1008": (False, error(503, -1008, "Server is currently overloaded with other requests.")),
    "error_1015": (
        False,
        error(429, -1015, "Too many new orders; current limit is 100 per TEN_SECONDS."),
    ),
    "error_1016": (False, error(503, -1016, "This service is no longer available.")),
    "error_1021": (
        False,
        error(400, -1021, "Timestamp for this request is outside of the recvWindow."),
    ),
    "error_2010": (
        False,
        error(400, -2010, "Account has insufficient balance for requested action."),
    ),
    "unknown_503": (True, error(503, -1000, UNKNOWN_503)),
    "failed_503": (False, error(503, -1001, FAILED_503)),
    "unavailable_503": (False, error(503, -1000, "Service Unavailable.")),
    "timeout_408": (True, error(408, -1007, TIMEOUT)),
    "rate_429": (
        False,
        limited(429, "Too much request weight used; current limit is 6000 per 1 MINUTE."),
    ),
    "ban_418": (False, limited(418, "Way too much request weight used; IP banned until {until}.")),
    "waf_403": (False, page(403)),
    "html_500": (True, page(500)),
    "html_502": (True, page(502)),
    "html_504": (True, page(504)),
}


class Limits:
    """Weights per minute and IP, orders per ten seconds and day; windows aligned to the clock."""

    def __init__(self, weight, orders):
        self.weight_max, self.orders_max, self.day_max = weight, orders, 200_000
        self.windows, self.refused = {}, 0

    def used(self, name, seconds):
        window = int(time.time() // seconds)
        kept = self.windows.get(name)
        if kept is None or kept[0] != window:
            kept = self.windows[name] = [window, 0]
            self.refused = 0 if name == "1m" else self.refused
        return kept

    def weigh(self, weight):
        used = self.used("1m", 60)
        if used[1] + weight > self.weight_max:
            self.refused += 1
            seconds = 60 - int(time.time()) % 60
            status, banned = (418, 120) if self.refused > 20 else (429, seconds)
            text = f"Too much request weight used; current limit is {self.weight_max}."
            if status == 418:
                text = f"Way too much request weight used; IP banned until {now_ms() + 120_000}."
            raise Refusal(-1003, text, status, [("Retry-After", str(banned))])
        used[1] += weight

    def count_order(self, by=1):
        ten, day = self.used("10s", 10), self.used("1d", 86400)
        if by > 0 and ten[1] + by > self.orders_max:
            seconds = 10 - int(time.time()) % 10
            text = f"Too many new orders; current limit is {self.orders_max} orders per 10 SECOND."
            raise Refusal(-1015, text, 429, [("Retry-After", str(seconds))])
        ten[1], day[1] = max(0, ten[1] + by), max(0, day[1] + by)

    def headers(self, with_orders):
        weight = self.used("1m", 60)[1]
        told = [("x-mbx-used-weight", weight), ("x-mbx-used-weight-1m", weight)]
        if with_orders:
            told.append(("x-mbx-order-count-10s", self.used("10s", 10)[1]))
            told.append(("x-mbx-order-count-1d", self.used("1d", 86400)[1]))
        return [(name, str(value)) for name, value in told]


class Params:
    """The parameters of one request; what was sent but never asked for can be told."""

    def __init__(self, pairs, strict=False):
        self.strict = strict
        self.values, self.asked = {}, {"timestamp", "recvWindow", "signature", "apiKey"}
        for name, value in pairs:
            self.values.setdefault(name, value)

    def get(self, name, default=None):
        self.asked.add(name)
        value = self.values.get(name)
        return default if value is None or value == "" else str(value)

    def need(self, name):
        value = self.get(name)
        if value is None:
            text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            raise Refusal(-1102, text)
        return value

    def decimal(self, name, places=8):
        text = self.get(name)
        if text is None:
            return None
        try:
            if not re.fullmatch(r"[0-9]*\.?[0-9]*", text):
                raise InvalidOperation
            value = Decimal(text)
        except InvalidOperation:
            raise Refusal(-1100, f"Illegal characters found in parameter '{name}'.") from None
        if -value.as_tuple().exponent > places and value != round(value, places):
            text = "Parameter '{}' has too much precision.".format(name)
            raise Refusal(-1111, text)
        return value

    def integer(self, name, default=None):
        text = self.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"-?[0-9]{1,19}", text):
            raise Refusal(-1100, f"Illegal characters found in parameter '{name}'.")
        return int(text)

    def none_left(self):
        left = set(self.values) - self.asked
        if left:
            count = len(self.values)
            text = f"Not all sent parameters were read; read '{count - len(left)}' parameter(s) "
            raise Refusal(-1104, text + f"but was sent '{count}'.")


class Floor:
    """One market of the exchange in one process."""

    name = "spot"
    over_websocket = {}  # method of the WebSocket API: route of the same call over HTTP

    def __init__(self, options, symbols, pasts, keys):
        self.options, self.keys, self.tied = options, keys, options.tied
        self.symbols, self.pasts = {s.name: s for s in symbols}, pasts
        self.judge = Judge(options.seed, FAULTS)
        self.settings = {
            "skew_ms": options.skew_ms,
            "query_lag_ms": 0,
            "skip_market": 0,
            **DELIVERY,
            "ping_s": 20.0,
            "pong_s": 60.0,
            "fee": "0.001" if self.name == "spot" else "0.0004",
        }
        self.limits = Limits(options.weight_limit, options.order_limit)
        self.engine = Engine(self.clock)
        self.engine.prices = {s.name: s.price for s in symbols}
        self.engine.on_trade, self.engine.on_change = self.settle, self.changed
        self.streams = Streams(self)
        self.server = Server(self.handle, self.settings)
        self.next_cancel = 1
        self.listen_keys = {}

    def clock(self):
        return now_ms() + self.settings["skew_ms"]

    # ---- the door ----------------------------------------------------------------------------

    async def handle(self, request):
        entry = self.judge.note(
            request.method,
            request.path,
            request.query,
            request.headers,
            request.body.decode("latin-1"),
        )
        if request.wants_websocket:
            entry["status"] = 101
            return await self.streams.serve(request)
        return await self.judge.guard(entry, lambda: self.answer(request))

    def answer(self, request):
        route = self.routes.get((request.method, request.path))
        try:
            if route is None:
                return Answer(404, page(404)({}).body, kind="text/html")
            call, weight, security = route
            self.limits.weigh(weight(request) if callable(weight) else weight)
            pairs = request.query_pairs()
            if request.method != "GET" and request.body:
                pairs += parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
            params = Params(pairs, strict=True)
            if security:
                self.check_key(request.header("x-mbx-apikey"))
            if security == "signed":
                self.check_http_signature(request, params)
            value = call(params)
            return Answer(200, value, self.limits.headers(request.path.endswith("/order")))
        except Refusal as refusal:
            headers = self.limits.headers(False) + refusal.headers
            return Answer(refusal.status, refusal.body(), headers)

    def check_key(self, name):
        if not name:
            raise Refusal(-2014, "API-key format invalid.", 401)
        if name not in self.keys:
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return self.keys[name]

    def check_http_signature(self, request, params):
        query, in_query = split_signature(request.query)
        body, in_body = split_signature(request.body.decode("latin-1"))
        signature = in_query if in_query is not None else in_body
        self.check_signature(
            self.keys[request.header("x-mbx-apikey")], (query + body), signature, params, True
        )

    def check_signature(self, key, payload, signature, params, encoded):
        params.need("timestamp")
        if signature is None:
            params.need("signature")
        if (encoded and not well_encoded(payload)) or not key.signed(payload.encode(), signature):
            raise Refusal(-1022, "Signature for this request is not valid.")
        self.check_time(params)

    def check_time(self, params):
        sent, now = params.integer("timestamp"), self.clock()
        if sent is None:
            params.need("timestamp")
        window = params.decimal("recvWindow", 3)
        window = Decimal(5000) if window is None else window
        if window > 60000:
            raise Refusal(-1131, "'recvWindow' must contain a value that is <= 60000.")
        if sent >= now + 1000:
            text = "Timestamp for this request was 1000ms ahead of the server's time."
            raise Refusal(-1021, text)
        if now - sent > window:
            raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")

    # ---- orders, as both markets find and cancel them ----------------------------------------

    def symbol(self, params):
        found = self.symbols.get(params.need("symbol"))
        if found is None:
            raise Refusal(-1121, "Invalid symbol.")
        return found

    def client_id(self, params, name="newClientOrderId"):
        given = params.get(name)
        if given is None:
            self.next_cancel += 1
            return f"{self.judge.chance.getrandbits(80):020x}{self.next_cancel}"[-22:]
        if not re.fullmatch(CLIENT_ID[self.name], given):
            code, rule = (-1100, CLIENT_ID["spot"]) if self.name == "spot" else (-4015, "")
            text = f"Illegal characters found in parameter '{name}'; legal range is '^{rule}$'."
            raise Refusal(code, text if rule else "Client order id is not valid.")
        return given

    def open_with(self, symbol, client_id):
        for order in self.engine.open.values():
            if order.symbol == symbol and order.extra["client_id"] == client_id:
                return order
        return None

    def find(self, params, open_only=False):
        """The order asked for; of several with one client id, the most recent."""
        symbol = self.symbol(params)
        number, client = params.integer("orderId"), params.get("origClientOrderId")
        if number is None and client is None:
            text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            raise Refusal(-1102, text)
        if number is not None:
            order = self.engine.orders.get(number)
            found = [order] if order and order.symbol == symbol.name else []
            if client is not None:
                found = [o for o in found if o.extra["client_id"] == client]
        else:
            found = [
                o
                for o in self.engine.orders.values()
                if o.symbol == symbol.name and o.extra["client_id"] == client
            ]
        return found[-1] if found and (not open_only or found[-1].is_open) else None

    def visible(self, order):
        age_ms = self.clock() - order.created_ms  # below zero: the clock was put back meanwhile
        return not 0 <= age_ms < self.settings["query_lag_ms"]

    def query(self, params):
        order = self.find(params)
        if order is None or order.status == "REJECTED" or not self.visible(order):
            raise Refusal(-2013, "Order does not exist.")
        return order

    def listed(self, params):
        """GET allOrders: from an id or between two times, oldest first."""
        symbol = self.symbol(params)
        first, start, end = (params.integer(n) for n in ("orderId", "startTime", "endTime"))
        limit = min(params.integer("limit", 500), 1000)
        orders = [
            o
            for o in self.engine.orders.values()
            if o.symbol == symbol.name
            and o.status != "REJECTED"
            and self.visible(o)
            and (first is None or o.id >= first)
            and (start is None or o.created_ms >= start)
            and (end is None or o.created_ms <= end)
        ]
        return orders[:limit] if first is not None or start is not None else orders[-limit:]

    def listed_trades(self, params):
        symbol = self.symbol(params)
        names = ("orderId", "startTime", "endTime", "fromId")
        number, start, end, first = (params.integer(n) for n in names)
        limit = min(params.integer("limit", 500), 1000)
        trades = [
            t
            for t in self.engine.trades
            if t.order.symbol == symbol.name
            and (number is None or t.order.id == number)
            and (first is None or t.id >= first)
            and (start is None or t.at_ms >= start)
            and (end is None or t.at_ms <= end)
        ]
        return trades[:limit] if first is not None or start is not None else trades[-limit:]

    def klines(self, params):
        symbol, interval = self.symbol(params), params.need("interval")
        past = self.pasts[symbol.name]
        start, end = params.integer("startTime"), params.integer("endTime")
        limit = min(params.integer("limit", 500), 1000 if self.name == "spot" else 1500)
        try:
            return past.klines(interval, start, end, limit, self.clock())
        except KeyError:
            raise Refusal(-1120, "Invalid interval.") from None

    # ---- what the judge may do ---------------------------------------------------------------

    def set_price(self, name, price):
        symbol = self.symbols[name]
        self.engine.set_price(name, Decimal(price).quantize(symbol.tick))
        self.streams.market(name)
        return {"symbol": name, "price": plain(self.engine.prices[name])}

    def set_bar(self, given):
        """A closed bar, told to the streams and to be found in klines."""
        symbol, interval = self.symbols[given["symbol"]], given.get("interval", "1m")
        bar = {name[0]: Decimal(str(given[name])) for name in ("open", "high", "low", "close")}
        bar.update(t=int(given["opened_ms"]), v=Decimal(str(given.get("volume", 1))))
        return self.streams.close_bar(symbol, interval, bar)

    def nudge(self, name, ticks):
        self.set_price(name, self.engine.prices[name] + ticks * self.symbols[name].tick)

    def set_liquidity(self, name, quantity):
        self.engine.set_liquidity(
            self.symbols[name].name, None if quantity is None else Decimal(str(quantity))
        )
        return {}

    def change_settings(self, given):
        for name, value in given.items():
            if name == "filters":
                for symbol, changes in value.items():
                    self.symbols[symbol].change(changes)
            elif name == "pieces":
                self.engine.pieces = int(value)
            elif name == "weight_limit":
                self.limits.weight_max = int(value)
            elif name == "order_limit":
                self.limits.orders_max = int(value)
            elif name == "refuse_connections":
                self.server.refuse_connections = bool(value)
            elif name == "balances":
                self.set_balances(value)
            elif name == "revoked":
                for key in value:
                    self.keys.pop(key, None)
            elif name in self.settings:
                self.settings[name] = value
            else:
                raise KeyError(name)
        return dict(self.settings, pieces=self.engine.pieces)

    def foreign_order(self, given):
        """An order of the same account that no client of the API placed."""
        symbol = self.symbols[given["symbol"]]
        price = given.get("price")
        order = Order(
            symbol.name,
            given["side"],
            "MARKET" if price is None else "LIMIT",
            Decimal(str(given["quantity"])),
            None if price is None else Decimal(str(price)),
            client_id=given.get("client_id", "web_" + self.client_id(Params([]))),
            foreign=True,
            _step=symbol.step,
        )
        self.reserve(order)
        return self.engine.add(order).told()

    def end_order(self, given):
        """Ends an open order as the exchange itself does: CANCELED, EXPIRED, REJECTED..."""
        order = self.engine.open[int(given["id"])]
        self.engine.end(order, given.get("status", "CANCELED"), given.get("reason", ""))
        return order.told()

    def fill_order(self, given):
        """Trades some of a resting order, at its price unless another is given."""
        order = self.engine.open[int(given["id"])]
        price = Decimal(str(given["price"])) if "price" in given else order.price
        quantity = Decimal(str(given["quantity"])) if "quantity" in given else None
        price = self.engine.prices[order.symbol] if price is None else price
        self.engine.fill(order, price, True, quantity)
        return order.told()

    def cut(self, kinds, how, code):
        if how != "shutdown":
            return self.server.cut(kinds, how, code)
        event = {"e": "serverShutdown", "E": self.clock()}
        for ws in list(self.server.sockets):
            ws.send(
                {"event": event} if ws.kind == "api" or ws.request.path[:4] == "/ws-" else event
            )
        return len(self.server.sockets)

    def told_book(self):
        return {
            "orders": [order.told() for order in self.engine.orders.values()],
            "trades": [trade.told() for trade in self.engine.trades],
            "positions": self.told_positions(),
            "balances": self.told_balances(),
            "prices": {name: plain(price) for name, price in self.engine.prices.items()},
        }
