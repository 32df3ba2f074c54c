"""The two accounts behind the server: the broker's (live) and the sandbox (analyze)."""
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from matching import ZERO, Engine, Order, plain

IST = timezone(timedelta(hours=5, minutes=30))
STATUS = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "TRIGGER": "trigger pending",
    "FILLED": "complete",
    "CANCELED": "cancelled",
    "EXPIRED": "cancelled",
    "REJECTED": "rejected",
}


def bare(value):
    """A decimal as a JSON number: whole if it is whole."""
    return int(value) if value == int(value) else float(value)


def at(ms, form):
    return datetime.fromtimestamp(ms / 1000, IST).strftime(form)


class Instrument:
    def __init__(
        self, exchange, symbol, price, lot=1, tick="0.05", expiry="", kind="EQ", name="", freeze=1
    ):
        self.exchange, self.symbol = exchange, symbol
        self.name = f"{exchange}:{symbol}"
        self.price, self.lot, self.tick = Decimal(str(price)), int(lot), Decimal(str(tick))
        self.expiry, self.kind, self.base = expiry, kind, name or symbol
        self.number, self.freeze = 1, int(freeze)

    def row(self):
        return {
            "id": self.number,
            "symbol": self.symbol,
            "brsymbol": self.symbol,
            "name": self.base,
            "exchange": self.exchange,
            "brexchange": self.exchange,
            "token": str(self.number),
            "expiry": self.expiry,
            "strike": -1,
            "lotsize": self.lot,
            "instrumenttype": self.kind,
            "tick_size": bare(self.tick),
            "freeze_qty": self.freeze,
        }


class Account:
    """One book: orders, trades and net positions per (instrument, product)."""

    mode = "live"

    def __init__(self, clock, instruments, cash, first_id):
        self.engine = Engine(clock, first_id)
        self.engine.market_rests = True
        self.instruments, self.cash = instruments, Decimal(cash)
        self.engine.prices = {i.name: i.price for i in instruments.values()}
        self.positions = {}  # (name, product): [quantity, average, realised]
        self.engine.on_trade, self.engine.on_change = self.settle, self.changed
        self.tell = lambda account, order: None

    def place(self, given, strategy="", foreign=False):
        """Takes a checked order."""
        name = f"{given['exchange']}:{given['symbol']}"
        kind = given["pricetype"]
        order = Order(
            name,
            given["action"].upper(),
            kind,
            given["quantity"],
            given["price"] if kind in ("LIMIT", "SL") else None,
            given["trigger_price"] if kind in ("SL", "SL-M") else None,
            product=given["product"],
            strategy=strategy,
            foreign=foreign,
            _step=Decimal(1),
        )
        return self.engine.add(order)

    def settle(self, trade):
        order = trade.order
        position = self.positions.setdefault(
            (order.symbol, order.extra["product"]), [ZERO, ZERO, ZERO]
        )
        signed = trade.quantity if order.side == "BUY" else -trade.quantity
        held, average, realised = position
        if held == 0 or (held > 0) == (signed > 0):
            average = (average * abs(held) + trade.price * trade.quantity) / abs(held + signed)
        else:
            closed = min(abs(held), trade.quantity)
            gain = (trade.price - average) * closed
            realised += gain if held > 0 else -gain
            if trade.quantity > abs(held):
                average = trade.price
        position[:] = held + signed, average, realised

    def changed(self, order, what, trade=None):
        if what != "WOKEN":
            self.tell(self, order)

    def held(self, name, product):
        return self.positions.get((name, product), (ZERO,))[0]

    def unrealised(self, key):
        quantity, average, _ = self.positions[key]
        return (self.engine.prices[key[0]] - average) * quantity

    def order(self, text):
        return self.engine.orders.get(int(text)) if text.isdigit() else None

    def trades_of(self, order):
        return [trade for trade in self.engine.trades if trade.order is order]

    def told(self):
        return {
            "orders": [dict(o.told(), id=str(o.id)) for o in self.engine.orders.values()],
            "trades": [dict(t.told(), order=str(t.order.id)) for t in self.engine.trades],
            "positions": [
                {
                    "symbol": name,
                    "product": product,
                    "quantity": plain(quantity),
                    "average": plain(average),
                    "realised": plain(realised),
                }
                for (name, product), (quantity, average, realised) in self.positions.items()
            ],
            "balances": {"cash": plain(self.cash)},
            "prices": {name: plain(price) for name, price in self.engine.prices.items()},
        }


class Sandbox(Account):
    """The analyze mode: it checks more than the broker does, and trades at bid and ask."""

    mode = "analyze"

    def __init__(self, clock, instruments, cash, chance):
        super().__init__(clock, instruments, cash, 1)
        self.chance, self.used = chance, ZERO

    def draw_id(self):
        """YYMMDD, six digits of a microsecond, two of chance: not in the order of time."""
        day = at(self.engine.clock(), "%y%m%d")
        return int(f"{day}{self.chance.randrange(10**6):06d}{self.chance.randrange(100):02d}")

    def place(self, given, strategy="", foreign=False):
        self.engine.next_id = self.draw_id()
        return super().place(given, strategy, foreign)

    def fault(self, instrument, given):
        """Why the sandbox would not take it: (sentence, whether a rejected row is kept)."""
        exchange, product = given["exchange"], given["product"]
        if exchange in ("NFO", "BFO", "MCX", "CDS") and given["quantity"] % instrument.lot:
            return f"Quantity must be in multiples of lot size {instrument.lot}", False
        if exchange in ("NSE", "BSE") and product == "NRML":
            text = f"NRML product not allowed for {exchange} equity segment. "
            return text + "Use CNC for delivery or MIS for intraday.", False
        sells = given["action"].upper() == "SELL"
        if product == "CNC" and sells and self.held(instrument.name, product) <= 0:
            text = f"Cannot sell {instrument.symbol} in CNC. No positions or holdings available. "
            text += "CNC (delivery) requires existing shares. Use MIS for intraday short selling."
            return text, True
        needed, free = self.margin(instrument, given), self.cash - self.used
        if not sells and needed > free:
            text = f"Insufficient funds. Required: ₹{float(needed)}, Available: ₹{free:.2f}, "
            return text + f"Shortage: ₹{needed - free:.2f}", False
        return None, False

    def margin(self, instrument, given):
        price = given["price"] or given["trigger_price"] or self.engine.prices[instrument.name]
        leverage = {"CNC": 1, "MIS": 5, "NRML": 10}[given["product"]]
        return price * given["quantity"] / leverage
