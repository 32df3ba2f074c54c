"""The REST half: keys, validation, rate limits, modes; what each endpoint does is in calls.py."""
import json
import time
from collections import deque
from datetime import datetime
from decimal import Decimal

from judge import DELIVERY, HTML, Delivery, Judge
from past import INTERVALS, Past
from wire import REASONS, Answer, Server, now_ms

from openalgo.books import IST, Account, Instrument, Sandbox
from openalgo.calls import Calls, Refused
from openalgo.feed import Feed
from openalgo.listed import listed
from openalgo.schema import AS_TEXT, SCHEMAS, read_body

PREFIX = "/api/v1/"
ORDERLY = ("placeorder", "placesmartorder", "modifyorder", "cancelorder")  # the stricter limit
SEMI_AUTO = {  # what may not be done while orders wait for a hand
    "cancelorder": ("Cancel order", "cancel orders"),
    "cancelallorder": ("Cancel all orders", "cancel orders"),
    "modifyorder": ("Modify order", "modify orders"),
    "closeposition": ("Close position", "close positions"),
}
INTERNAL = "Failed to place order due to internal error"


def error(status, message):
    def make(given):
        return Answer(status, {"status": "error", "message": given.get("message", message)})

    return make


def page(status):
    return lambda given: Answer(status, HTML.format(REASONS[status]), kind="text/html")


FAULTS = {  # action: (whether the request is applied unless the rule says otherwise, the answer)
    "reject": (False, error(400, "RMS:Margin Exceeds")),
    "null_orderid": (
        False,
        lambda given: Answer(200, {"orderid": given.get("orderid"), "status": "success"}),
    ),
    "no_orderid": (False, lambda given: Answer(200, {"status": "success"})),
    "error_500": (False, error(500, INTERNAL)),
    "error_500_after": (True, error(500, INTERNAL)),
    "unexpected_500": (False, error(500, "An unexpected error occurred")),
    "broker_429_text": (False, error(400, "Too many requests")),
    "rate_429": (False, lambda given: Answer(429, {"message": "10 per 1 second"})),
    "expired_403": (False, error(403, "Invalid openalgo apikey")),
    "html_502": (False, page(502)),
    "html_502_after": (True, page(502)),
    "html_504_after": (True, page(504)),
}


class Desk(Calls):
    def __init__(self, options):
        self.options, self.tied = options, options.tied
        self.judge = Judge(options.seed, FAULTS)
        self.settings = {
            "mode": "live",
            "semi_auto": False,
            "expired": False,
            "skew_ms": options.skew_ms,
            "visible_after_ms": 0,
            "leak_status_ms": 0,
            "status_words": {},
            "numbers": "number",
            "trade_quantity_zero": False,
            "refuse_orders": 0,
            "sessions": True,
            "refuse_reason": "RMS:Margin Exceeds",
            "order_rate": options.order_rate,
            "api_rate": options.api_rate,
            "auth_s": 15.0,
            "ping_s": 20.0,
            "pong_s": 20.0,
            **DELIVERY,
        }
        self.instruments = listed(datetime.now(IST).date())
        live = Account(self.clock, self.instruments, 5_000_000, 26_000_000_000_000)
        sandbox = Sandbox(self.clock, self.instruments, 10_000_000, self.judge.chance)
        self.accounts = {"live": live, "analyze": sandbox}
        self.feed = Feed(self)
        self.pasts = {name: Past(options.seed, i) for name, i in self.instruments.items()}
        delivery = Delivery(self.judge, self.settings, self.feed.is_fill, self.feed.send_order)
        for account in self.accounts.values():
            account.tell = lambda a, order: delivery.tell(self.feed.order_update(a, order))
        self.server = Server(self.handle, self.settings)
        self.recent, self.pending, self.toggles = {}, 0, 0

    def clock(self):
        return now_ms() + self.settings["skew_ms"]

    @property
    def account(self):
        return self.accounts[self.settings["mode"]]

    # ---- the door ----------------------------------------------------------------------------

    async def handle(self, request):
        body = request.body.decode("utf-8", "replace")
        entry = self.judge.note(request.method, request.path, request.query, request.headers, body)
        return await self.judge.guard(entry, lambda: self.answer(request))

    def answer(self, request):
        path = request.path.rstrip("/")
        name = path.removeprefix(PREFIX)
        if request.method != "POST" or not path.startswith(PREFIX) or name not in SCHEMAS:
            told = {"status": "error", "message": "Not found", "path": request.path}
            return Answer(404, told)
        limit = self.settings["order_rate" if name in ORDERLY else "api_rate"]
        if self.too_fast(name, limit):
            return Answer(429, {"message": f"{limit} per 1 second"})
        try:
            if "json" not in request.header("content-type"):
                raise ValueError
            body = json.loads(request.body)
            if not isinstance(body, dict):
                raise ValueError
        except ValueError:
            return error(500, "An unexpected error occurred")({})
        return self.call(name, body)

    def too_fast(self, name, limit):
        """A moving window of one second per endpoint; what is refused does not count."""
        recent, now = self.recent.setdefault(name, deque()), time.monotonic()
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if limit and len(recent) >= limit:
            return True
        recent.append(now)
        return False

    def call(self, name, body):
        values, complaints = read_body(name, body)
        if complaints:
            message = str(complaints) if name in AS_TEXT else complaints
            return Answer(400, {"status": "error", "message": message})
        if values["apikey"] != self.options.apikey or self.settings["expired"]:
            return error(403, "Invalid openalgo apikey")({})
        mode = self.settings["mode"]
        try:
            if mode == "live" and self.settings["semi_auto"]:
                waiting = self.wait_for_a_hand(name)
                if waiting:
                    return waiting
            told = dict(getattr(self, "call_" + name.replace("/", "_"))(values), status="success")
            status = 200
        except Refused as refused:
            told = dict(refused.more, status="error", message=refused.message)
            status = refused.status
        if mode == "analyze" and name in self.MODAL:
            told["mode"] = "analyze"
        return Answer(status, told)

    def wait_for_a_hand(self, name):
        if name in ("placeorder", "placesmartorder", "basketorder", "splitorder"):
            self.pending += 1
            told = {"status": "success", "message": "Order queued for approval in Action Center"}
            return Answer(200, dict(told, mode="semi_auto", pending_order_id=self.pending))
        if name in SEMI_AUTO:
            what, todo = SEMI_AUTO[name]
            text = f"{what} operation is not allowed in Semi-Auto mode. "
            return error(403, text + f"Please switch to Auto mode to {todo}.")({})
        return None

    # ---- what the judge may do ---------------------------------------------------------------

    def instrument_named(self, text):
        if text in self.instruments:
            return self.instruments[text]
        found = [i for i in self.instruments.values() if i.symbol == text]
        if not found:
            raise KeyError(text)
        return found[0]

    def set_price(self, name, price):
        instrument = self.instrument_named(name)
        for account in self.accounts.values():
            account.engine.set_price(instrument.name, Decimal(price))
        self.feed.tick(instrument)
        return {"symbol": instrument.name, "price": price}

    def set_bar(self, given):
        """A bar that history has from now on."""
        past = self.pasts[self.instrument_named(given["symbol"]).name]
        names = ("open", "high", "low", "close", "volume")
        minutes = INTERVALS[given.get("interval", "1m")]
        values = tuple(Decimal(str(given.get(name, 1))) for name in names)
        past.lived[int(given["opened_ms"]), minutes] = values
        return {}

    def nudge(self, name, ticks):
        instrument = self.instrument_named(name)
        price = self.accounts["live"].engine.prices[instrument.name]
        self.set_price(name, price + ticks * instrument.tick)

    def set_liquidity(self, name, quantity):
        name = self.instrument_named(name).name
        amount = None if quantity is None else Decimal(str(quantity))
        for account in self.accounts.values():
            account.engine.set_liquidity(name, amount)
        return {}

    def change_settings(self, given):
        for name, value in given.items():
            if name == "instrument":
                self.list_instrument(dict(value))
            elif name == "pieces":
                for account in self.accounts.values():
                    account.engine.pieces = int(value)
            elif name == "refuse_connections":
                self.server.refuse_connections = bool(value)
            elif name in self.settings:
                self.settings[name] = value
            else:
                raise KeyError(name)
        return self.settings

    def list_instrument(self, given):
        row = Instrument(**given)
        row.number = len(self.instruments) + 1
        self.instruments[row.name] = row
        self.pasts[row.name] = Past(self.options.seed, row)
        for account in self.accounts.values():
            account.engine.prices[row.name] = row.price

    def foreign_order(self, given):
        """An order from the trader's own app: in the account, in no log of ours."""
        instrument = self.instrument_named(given["symbol"])
        price = Decimal(str(given.get("price", 0)))
        checked = {
            "exchange": instrument.exchange,
            "symbol": instrument.symbol,
            "action": given["side"],
            "pricetype": given.get("type", "LIMIT" if price else "MARKET"),
            "quantity": Decimal(str(given["quantity"])),
            "price": price,
            "trigger_price": Decimal(str(given.get("stop", 0))),
            "product": given.get("product", "NRML"),
        }
        order = self.account.place(checked, given.get("strategy", ""), foreign=True)
        return dict(order.told(), id=str(order.id))

    def open_order(self, given):
        return self.account.engine.open[int(given["id"])]

    def end_order(self, given):
        order = self.open_order(given)
        self.account.engine.end(order, given.get("status", "CANCELED"), given.get("reason", ""))
        return dict(order.told(), id=str(order.id))

    def fill_order(self, given):
        order, engine = self.open_order(given), self.account.engine
        price = Decimal(str(given["price"])) if "price" in given else order.price
        quantity = Decimal(str(given["quantity"])) if "quantity" in given else None
        engine.fill(order, price or engine.prices[order.symbol], True, quantity)
        return dict(order.told(), id=str(order.id))

    def cut(self, kinds, how, code):
        return self.feed.server.cut(kinds, how, code)

    def told_book(self):
        return dict(
            self.accounts["live"].told(),
            analyze=self.accounts["analyze"].told(),
            mode=self.settings["mode"],
        )
