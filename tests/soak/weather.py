"""Random weather over a simulated exchange, and the judge: a schedule is a few orders of all sorts
while answers are lost, streams cut, clocks skewed and the host is killed; then it is calm, and the
venue's own book must say what ours says, with at most one order a leg and no quantity lost.

    with Usdm(seed) as world:
        world.schedule(7)          # the same seed and number: the same schedule

What a schedule did is in world.told; a failure prints it.
"""
import os
import random
import sys
import time
from decimal import Decimal as D

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../e2e", "../venues"):
    sys.path.insert(0, os.path.join(HERE, folder))
from harness import Host, default_config, main, signal, until  # noqa: E402
from venue import Binance, BinanceFutures, OpenAlgo  # noqa: E402

FINAL = ("filled", "cancelled", "rejected", "expired")
OPEN_THERE = ("NEW", "TRIGGER", "PARTIALLY_FILLED")
QUIET_S = 100
STRATEGY = """return {
    name = "plain", version = "1", instruments = "*",
    extra = {order_kind = "text", tif = "text", limit_price = "decimal"},
    gates = {{name = "always", check = function() return true end}},
    size = function(facts)
        local x = facts.signal.extra
        return {quantity = facts.signal.quantity or decimal("0.01"), stop = facts.signal.stop,
                kind = x.order_kind, tif = x.tif, limit_price = x.limit_price}
    end,
}
"""


class World:
    """A venue, a host on it, and what one may do to them; the adapters differ in the constants."""

    instrument, symbol = "BTC", "BTCUSDT"
    last, lots, lot = 50000, ("0.01", "0.02", "0.05"), 1
    order_paths, other_paths = (), ()
    unseen, nothing = (), ()
    settings = ()  # (name, values)
    calm_settings = {}
    lasting = {"refuse_connections": False}
    liquid = ("0.004", "0.013")

    def __init__(self, seed, protect=False):
        self.seed, self.protect = seed, protect
        self.said = 0
        self.began_s = int(time.time()) - 40000
        self.told, self.foreign = [], set()
        self.venue = self.open_venue(seed)
        try:
            self.venue.price(self.symbol, str(self.last))
            self.host = self.open_host()
            self.host.start(deadline_s=30)
        except BaseException:
            self.venue.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        self.host.__exit__(kind, *rest)
        self.venue.close()

    def open_host(self):
        host = Host(env=self.secrets())
        config = default_config(
            host,
            broker=self.broker(host),
            instruments=[self.describe()],
            staleness={"entry_max_age": "30d"},
            strategies=[{"name": "plain", **({"protect": "broker"} if self.protect else {})}],
        )
        config["account"] = {"currency": "USDT", "deposit": "100000"}
        host.write_strategy("plain", STRATEGY)
        host.write_config(config)
        return host

    # ---- what both books say -----------------------------------------------------------------

    def orders(self):
        return self.host.get("/api/orders?limit=2000").json()

    def theirs(self):
        """Our orders in the venue's book, those it refused left out."""
        return [
            o
            for o in self.venue.book()["orders"]
            if not o.get("foreign") and o["id"] not in self.foreign and o["status"] != "REJECTED"
        ]

    def held(self):
        rows = self.host.get("/api/positions?status=open,closing,partial&limit=1000").json()
        sides = {"LONG": 1, "SHORT": -1}
        return sum((D(row["quantity"]) * sides[row["side"]] for row in rows), D(0))

    def net(self):
        """Lots, by the venue's trades."""
        trades = self.venue.book()["trades"]
        units = sum((D(t["quantity"]) * (1 if t["side"] == "BUY" else -1) for t in trades), D(0))
        return units / self.lot

    def complaint(self):
        """Why the books do not agree, or ""."""
        here, there = self.orders(), self.theirs()
        for order in here:
            if order["state"] not in FINAL + ("acknowledged", "partially_filled"):
                return f"order {order['id']} is {order['state']}: {order['reason']}"
        if not self.same(self.held(), self.net()):
            return f"{self.held()} here, {self.net()} there"
        known, seen = {self.name_here(o): o for o in here if self.name_here(o)}, set()
        for order in there:
            name = self.name_there(order)
            ours = known.get(name)
            if name in seen:
                raise AssertionError(f"{name} stands twice: {order}")
            seen.add(name)
            if not ours:
                return f"{order} is not ours"
            if not self.same(D(order["filled"]) / self.lot, D(ours["filled"] or 0)):
                return f"{order} and {ours}"
            if (order["status"] in OPEN_THERE) != (ours["state"] not in FINAL):
                return f"{order} and {ours}"
        for name, order in known.items():
            if name not in seen and order["state"] not in ("rejected", "expired", "cancelled"):
                return f"{order} is not there"
        return self.unprotected()

    def same(self, here, there):
        return here == there

    def unprotected(self):
        if not self.protect:
            return ""
        resting = sum(
            (D(o["quantity"]) - D(o["filled"] or 0) for o in self.orders() if self.is_stop(o)),
            D(0),
        )
        return f"stops for {resting} of {self.held()}" if resting != abs(self.held()) else ""

    @staticmethod
    def is_stop(order):
        return order["protective"] and order["state"] not in FINAL

    def await_agreement(self):
        """Until both books say the same, with a person's help where it is honestly needed."""

        def agreed():
            self.why = self.complaint()
            for order in self.stranded() if self.why else ():
                self.settle_by_hand(order)
            return not self.why

        try:
            until(agreed, QUIET_S)
        except AssertionError:
            raise AssertionError(self.why) from None

    def stranded(self):
        """Orders that only a person can settle."""
        return []

    def settle_by_hand(self, order):
        raise AssertionError(f"nothing here needs a person: {order}")

    # ---- what is done ------------------------------------------------------------------------

    def send(self, kind, position, **fields):
        """A signal of its own second; what is refused or not taken is told, not failed."""
        self.said += 1
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began_s + self.said))
        body = {
            "instrument": self.instrument,
            "price": str(self.last),
            "stop": str(int(self.last * 0.98)),
            "atr": None,
            "timestamp": stamp,
            **fields,
        }
        try:
            answer = self.host.post("/webhook/test", signal(kind, position, **body))
            self.told.append(f"{kind} {position} {fields} {answer.status}")
        except (OSError, EOFError) as error:
            self.told.append(f"{kind} {position} not said: {error}")

    def enter(self, chance):
        quantity = chance.choice(self.lots)
        layer = chance.randrange(1, 4)
        kind = "BASE_ENTRY" if layer == 1 or self.held() == 0 else "PYRAMID"
        position = "Long_1" if kind == "BASE_ENTRY" else f"Long_{layer}"
        fields = {"quantity": quantity}
        if chance.random() < 0.35:
            away = chance.choice((0, 1, 4))
            fields["order_kind"] = "LIMIT"
            fields["limit_price"] = str(self.last - away * self.last // 1000)
            if chance.random() < 0.2:
                fields["tif"] = "IOC"
        self.send(kind, position, **fields)

    def leave(self, position="ALL"):
        self.send("EXIT", position, stop=None)

    def move(self, chance, reach=6):
        """Not so far that a position's stop is reached, but for one time in ten."""
        steps = chance.randrange(-reach, reach + 1)
        price = self.last + steps * self.last // 1000
        if chance.random() < 0.1:
            price = self.last - self.last // 40
        self.venue.price(self.symbol, str(price))
        self.told.append(f"price {price}")

    def kill(self, chance):
        self.host.kill()
        self.told.append("kill -9")
        if chance.random() < 0.5:
            self.move(chance)
        self.venue.set(**self.lasting)  # it is not ready before the broker has answered
        self.host.start(deadline_s=40)

    def cancel(self, chance):
        resting = [o for o in self.orders() if o["state"] not in FINAL and not o["protective"]]
        if resting:
            order = chance.choice(resting)["id"]
            done = self.host.cli("order", "cancel", order, "--reason", "weather")
            self.told.append(f"cancel {order} {done.code}")

    def meddle(self, chance):
        """Somebody else's order in the same account, unlike any of ours."""
        row = self.venue.foreign_order(
            symbol=self.symbol, side="BUY", quantity=str(7 * self.lot), price=self.last // 50
        )
        self.foreign.add(row["id"])
        self.told.append("foreign order")
        if chance.random() < 0.5:
            self.venue.end(row["id"])

    def weather(self, chance):
        for _ in range(chance.randrange(3)):
            action = chance.choice(self.unseen + self.nothing)
            path = chance.choice(self.order_paths * 3 + self.other_paths)
            rule = {"nth": chance.choice((1, 1, 2)), **self.rule(action, chance)}
            self.venue.fault(action, path=path, **rule)
            self.told.append(f"{action} {path} {rule}")
        if chance.random() < 0.5:
            name, values = chance.choice(self.settings)
            value = chance.choice(values)
            self.venue.set(**{name: value})
            self.told.append(f"{name}={value}")
        if chance.random() < 0.15:
            how = chance.choice(("reset", "close", "freeze"))
            self.venue.cut(how=how)
            self.told.append(f"cut {how}")
        if chance.random() < 0.2:
            self.venue.liquidity(self.symbol, chance.choice(self.liquid))
            self.told.append("thin")

    @staticmethod
    def rule(action, chance):
        if action == "late_apply" or action == "late":
            return {"seconds": chance.choice((0.3, 1.5, 2.5))}
        if action in ("rate_429", "ban_418"):
            return {"retry_after": 1}
        return {}

    def calm(self):
        self.venue.calm()
        self.venue.set(refuse_connections=False, **self.calm_settings)
        self.venue.liquidity(self.symbol, None)
        self.venue.price(self.symbol, str(self.last))
        self.told.append("calm")

    def step(self, chance):
        act = chance.choices(
            (self.enter, lambda _: self.leave(), self.move, self.kill, self.cancel, self.meddle),
            (10, 5, 5, 2, 2, 1),
        )[0]
        self.weather(chance)
        act(chance)
        pause = chance.choice((0, 0, 0.05, 0.3, 1))
        until(lambda end=time.monotonic() + pause: time.monotonic() >= end, 5)

    def schedule(self, number):
        chance = random.Random(f"{self.seed} {number}")
        self.told = [f"schedule {number} of seed {self.seed}"]
        try:
            for _ in range(chance.randrange(2, 6)):
                self.step(chance)
            self.calm()
            self.await_agreement()
            if chance.random() < 0.5:
                for order in self.orders():
                    if order["state"] not in FINAL and not order["protective"]:
                        self.host.cli("order", "cancel", order["id"], "--reason", "the end")
                self.leave()
                until(lambda: self.held() == 0 or self.stranded(), QUIET_S, "a flat book")
                self.await_agreement()
        except BaseException:
            print("    " + "\n    ".join(self.told), flush=True)
            raise

    def close_books(self):
        """The store is sound; nothing that the host itself calls a fault was seen."""
        assert self.host.stop() == 0
        verified = self.host.cli("verify")
        assert verified.code == 0, verified
        log = self.host.log()
        for fault in ("a report contradicts its order", "a fill could not be applied"):
            assert fault not in log, fault
        for request in self.venue.requests():
            assert not request["path"].endswith(("cancelallorder", "closeposition")), request


# ---- the adapters ----------------------------------------------------------------------------


class Spot(World):
    market, make = "spot", Binance
    order_paths = ("/api/v3/order",)
    other_paths = ("/api/v3/myTrades", "/api/v3/time", "/api/v3/openOrders", "/api/v3/account")
    unseen = (
        "accept_then_drop accept_then_reset accept_then_never truncated garbage late late_apply "
        "error_1000 error_1006 error_1007 html_500 html_502 html_504 unknown_503 timeout_408"
    ).split()
    nothing = (
        "drop_before reset_before never rate_429 ban_418 error_1015 error_1021 waf_403 error_1008 "
        "error_1016 error_2010 failed_503"
    ).split()
    settings = (
        ("skip_events", (1, 2)),
        ("duplicate_fills", (1, 3)),
        ("shuffle_events", (2, 3)),
        ("event_delay_ms", (300,)),
        ("pieces", (2, 3)),
        ("query_lag_ms", (800,)),
        ("skew_ms", (-5000, 3000, 20000)),
        ("refuse_connections", (True,)),
    )
    calm_settings = {
        "skip_events": 0,
        "duplicate_fills": 0,
        "shuffle_events": 0,
        "event_delay_ms": 0,
        "pieces": 1,
        "query_lag_ms": 0,
    }

    def open_venue(self, seed):
        venue = self.make(seed)
        if self.market == "spot" and seed % 3 == 0:
            venue.set(balances={"BTC": "0"})  # fees are taken from what is bought
        return venue

    def secrets(self):
        return {"BINANCE_KEY": self.venue.ed25519_key}

    def broker(self, host):
        secret = os.path.join(host.folder, "secret")
        with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(self.venue.ed25519_pem)
        return {
            "kind": "binance",
            "market": self.market,
            "api_key": "env:BINANCE_KEY",
            "private_key": "file:" + secret,
            "base_url": self.venue.url,
            "ws_url": self.venue.ws_url,
            "recv_window": "1s",
            "processing": "1s",
        }

    def describe(self):
        step = "0.00001" if self.market == "spot" else "0.001"
        return {
            "name": self.instrument,
            "symbol": self.symbol,
            "tick": "0.01" if self.market == "spot" else "0.1",
            "quantity_step": step,
            "min_quantity": step,
        }

    def same(self, one, other):
        """What fees have taken of a coin was not sold."""
        return one == other or (self.seed % 3 == 0 and abs(one - other) < D("0.0039"))

    @staticmethod
    def name_here(order):
        return order["id"]

    @staticmethod
    def name_there(order):
        return order["client_id"]


class Usdm(Spot):
    market, make = "usdm", BinanceFutures
    order_paths = ("/fapi/v1/order", "/fapi/v1/algoOrder")
    other_paths = ("/fapi/v1/userTrades", "/fapi/v1/time", "/fapi/v1/openOrders", "/fapi/v3/*")

    def theirs(self):
        """A stop of ours is an algo order; what it becomes when it triggers has its name."""
        book = self.venue.book()
        rows = super().theirs()
        names = {row["client_id"] for row in rows}
        for algo in book["algos"]:
            if algo["clientAlgoId"] not in names and algo["algoStatus"] == "NEW":
                rows.append(
                    {
                        "id": algo["algoId"],
                        "client_id": algo["clientAlgoId"],
                        "filled": "0",
                        "status": "NEW",
                    }
                )
        return rows


class Nse(World):
    instrument, symbol = "BANK", "BANKNIFTY30DEC25FUT"
    last, lots, lot = 59000, ("1", "2", "4"), 35
    liquid = ("35", "105")
    order_paths = ("/api/v1/placeorder", "/api/v1/placeorder", "/api/v1/cancelorder")
    other_paths = ("/api/v1/orderbook", "/api/v1/tradebook", "/api/v1/modifyorder")
    unseen = (
        "accept_then_drop accept_then_reset accept_then_never truncated garbage late late_apply "
        "error_500_after html_502_after html_504_after"
    ).split()
    nothing = (
        "drop_before reset_before never reject null_orderid no_orderid error_500 unexpected_500 "
        "rate_429 expired_403 broker_429_text html_502"
    ).split()
    settings = (
        ("visible_after_ms", (300, 1200)),
        ("leak_status_ms", (150,)),
        ("numbers", ("string",)),
        ("trade_quantity_zero", (True,)),
        ("pieces", (2, 3)),
        ("refuse_orders", (1,)),
        ("refuse_connections", (True,)),
        ("status_words", ({"open": "PUT ORDER REQ RECEIVED"}, {"complete": "TRADED"})),
        ("expired", (True,)),
    )
    calm_settings = {
        "visible_after_ms": 0,
        "leak_status_ms": 0,
        "numbers": "number",
        "trade_quantity_zero": False,
        "pieces": 1,
        "refuse_orders": 0,
        "status_words": {},
        "expired": False,
    }
    lasting = {"refuse_connections": False, "expired": False}
    absence = "4s"

    def open_venue(self, seed):
        return OpenAlgo(seed, "--order-rate", "0", "--api-rate", "0")

    def secrets(self):
        return {"OPENALGO_KEY": self.venue.api_key}

    def broker(self, host):
        return {
            "kind": "openalgo",
            "base_url": self.venue.url,
            "ws_url": self.venue.ws_url,
            "api_key": "env:OPENALGO_KEY",
            "mode": "live",
            "timeout": "1s",
            "poll": "100ms",
            "absence": self.absence,
            "mode_every": "200ms",
        }

    def describe(self):
        return {
            "name": self.instrument,
            "exchange": "NFO",
            "symbol": self.symbol,
            "lot_size": "35",
            "tick": "0.05",
            "point_value": "35",
        }

    @staticmethod
    def name_here(order):
        return order["broker_id"]

    @staticmethod
    def name_there(order):
        return str(order["id"])


class NseByHand(Nse):
    """Absence proves nothing: what is unknown for good is listed, and a person settles it by the
    venue's book."""

    absence = "0"

    def stranded(self):
        """Unknown, with nothing in the venue's book that could be it, nor on its way there."""
        if any(r["status"] is None for r in self.venue.requests(path="/api/v1/placeorder")):
            return []
        here = self.orders()
        unknown = [o for o in here if o["state"] == "unknown"]
        names = {o["broker_id"] for o in here}
        lost = [o for o in self.theirs() if str(o["id"]) not in names]
        return [] if lost or self.told[-1] != "calm" else unknown

    def settle_by_hand(self, order):
        words = ["order", "resolve", order["id"], "--as", "rejected", "--reason", "not there"]
        done = self.host.cli(*words)
        self.told.insert(-1, f"resolve {order['id']} {done.code}")
