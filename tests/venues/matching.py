"""The matching that both venues share: one price a symbol, orders that wait for it, exact decimals.

A market order trades at the price of now. A limit order trades when the price has come to it, at
its own limit if it was resting. A stop wakes when the price has come to it and is then one of those
two. `liquidity` bounds how much of a symbol can be traded before a limit must wait and a market
order runs out of book (or rests, with `market_rests`); `pieces` splits what is traded into several
trades. Who may trade and what it costs is the venue's: it listens with `on_trade`, `on_change`.
"""
from decimal import Decimal

OPEN = ("NEW", "TRIGGER", "PARTIALLY_FILLED")
ZERO = Decimal(0)


class Order:
    def __init__(self, symbol, side, kind, quantity, price=None, stop=None, tif="GTC", **extra):
        self.id, self.symbol, self.side, self.kind, self.tif = 0, symbol, side, kind, tif
        self.quantity, self.price, self.stop = quantity, price, stop
        self.filled = self.value = ZERO
        self.status, self.reason, self.woken = "NEW", "", stop is None
        self.falls = None  # a stop wakes when the price falls to it; set by the engine
        self.created_ms = self.updated_ms = 0
        self.extra = extra  # what only the venue understands

    @property
    def is_open(self):
        return self.status in OPEN

    @property
    def left(self):
        return self.quantity - self.filled

    @property
    def average(self):
        return self.value / self.filled if self.filled else ZERO

    def told(self):
        """As the judge sees it."""
        told = {
            "id": self.id,
            "symbol": self.symbol,
            "side": self.side,
            "type": self.kind,
            "tif": self.tif,
            "quantity": plain(self.quantity),
            "price": plain(self.price),
            "stop": plain(self.stop),
            "filled": plain(self.filled),
            "value": plain(self.value),
            "average": plain(self.average),
            "status": self.status,
            "reason": self.reason,
            "created_ms": self.created_ms,
            "updated_ms": self.updated_ms,
        }
        told.update({k: plain(v) for k, v in self.extra.items() if not k.startswith("_")})
        return told


class Trade:
    def __init__(self, number, order, quantity, price, maker, at_ms):
        self.id, self.order, self.quantity, self.price = number, order, quantity, price
        self.maker, self.at_ms = maker, at_ms
        self.fee, self.fee_asset = ZERO, ""

    def told(self):
        return {
            "id": self.id,
            "order": self.order.id,
            "client_id": self.order.extra.get("client_id", ""),
            "symbol": self.order.symbol,
            "side": self.order.side,
            "quantity": plain(self.quantity),
            "price": plain(self.price),
            "fee": plain(self.fee),
            "fee_asset": self.fee_asset,
            "at_ms": self.at_ms,
        }


def plain(value):
    """Decimals as the shortest text that is not in exponents; everything else as it is."""
    if not isinstance(value, Decimal):
        return value
    text = format(value + 0, "f")  # + 0: no minus before a zero
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


class Engine:
    def __init__(self, clock, first_id=1000):
        self.clock = clock
        self.prices, self.liquidity = {}, {}
        self.pieces, self.market_rests = 1, False
        self.orders, self.open, self.trades = {}, {}, []
        self.next_id = first_id
        self.on_trade = self.on_change = lambda *_: None

    def add(self, order):
        """Takes the order; afterwards it rests, is filled, or has ended. The id is set here."""
        order.id, self.next_id = self.next_id, self.next_id + 1
        order.created_ms = order.updated_ms = self.clock()
        self.orders[order.id] = self.open[order.id] = order
        if not order.woken:
            order.status = "TRIGGER"
            rises = (order.side == "BUY") == (order.kind.startswith("STOP") or order.kind in SL)
            order.falls = not rises
        self.on_change(order, "NEW")
        self.work(order, resting=False)
        return order

    def work(self, order, resting):
        price, waited = self.prices[order.symbol], resting and order.woken
        if not order.woken:
            if price > order.stop if order.falls else price < order.stop:
                return
            order.woken, order.status = True, "NEW"
            self.on_change(order, "WOKEN")
            if not order.is_open:
                return
        if order.price is None:
            self.fill(order, price, maker=False)
            if order.is_open and not self.market_rests:
                self.end(order, "EXPIRED")
            return
        reached = price <= order.price if order.side == "BUY" else price >= order.price
        if reached and not self.stands_back(order):
            self.fill(order, order.price if waited else price, maker=waited)
        if order.is_open and order.tif in ("IOC", "FOK"):
            self.end(order, "EXPIRED")

    def stands_back(self, order):
        """A fill-or-kill order that cannot be filled whole."""
        rest = self.liquidity.get(order.symbol)
        return order.tif == "FOK" and rest is not None and rest < order.left

    def fill(self, order, price, maker, quantity=None):
        """Trades what it can, in pieces; `quantity` bounds it for a fill that the judge orders."""
        rest = self.liquidity.get(order.symbol)
        wanted = order.left if quantity is None else min(quantity, order.left)
        amount = wanted if rest is None else min(wanted, rest)
        step = order.extra.get("_step") or Decimal("0.00000001")
        for number in range(self.pieces, 0, -1):
            share = amount if number == 1 else (amount / number // step) * step
            if share > 0:
                amount -= share
                if rest is not None:
                    self.liquidity[order.symbol] -= share
                self.trade(order, share, price, maker)

    def trade(self, order, quantity, price, maker):
        order.filled += quantity
        order.value += quantity * price
        order.status = "FILLED" if order.left == 0 else "PARTIALLY_FILLED"
        order.updated_ms = self.clock()
        if not order.is_open:
            self.open.pop(order.id, None)
        trade = Trade(len(self.trades) + 1, order, quantity, price, maker, order.updated_ms)
        self.trades.append(trade)
        self.on_trade(trade)
        self.on_change(order, "TRADE", trade)

    def end(self, order, status, reason=""):
        order.status, order.reason, order.updated_ms = status, reason, self.clock()
        self.open.pop(order.id, None)
        self.on_change(order, status)

    def reject(self, order, reason):
        """An order that the venue keeps on record as refused."""
        order.id, self.next_id = self.next_id, self.next_id + 1
        order.created_ms = order.updated_ms = self.clock()
        order.status, order.reason = "REJECTED", reason
        self.orders[order.id] = order
        self.on_change(order, "REJECTED")
        return order

    def set_price(self, symbol, price):
        self.prices[symbol] = price
        self.rework(symbol)

    def set_liquidity(self, symbol, quantity):
        """How much can be traded from now on; None is without bound."""
        self.liquidity[symbol] = quantity
        self.rework(symbol)

    def rework(self, symbol):
        for order in [o for o in self.open.values() if o.symbol == symbol]:
            if order.is_open:
                self.work(order, resting=True)


SL = ("SL", "SL-M")
