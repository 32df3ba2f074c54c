"""Conditional futures orders: they live in a service of their own until their trigger is reached.

Since December 2025 the order endpoint refuses STOP, STOP_MARKET and their like with -4120. An algo
order has its own id and status; when it is triggered an ordinary order is born with its client id.
The setting algo_service=False is the world as it was before.
"""
from decimal import Decimal

from matching import ZERO, Order, plain

from binance.floor import Params, Refusal
from binance.margin import Margin

KINDS = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
ALGO_ONLY = "Order type not supported for this endpoint. Please use the Algo Order API endpoints "


class Conditional:
    """One algo order: what was asked for, as a parameter list, and how far it has come."""

    def __init__(self, number, params, order, now):
        self.number, self.params, self.order = number, params, order
        self.trigger, self.status, self.actual = order.stop, "NEW", None
        self.created_ms = self.updated_ms = now
        self.triggered_ms = 0

    def reached(self, price):
        rises = (self.order.side == "BUY") == self.order.kind.startswith("STOP")
        return price >= self.trigger if rises else price <= self.trigger

    @property
    def client_id(self):
        return self.order.extra["client_id"]

    def told(self):
        order, actual = self.order, self.actual
        return {
            "algoId": self.number,
            "clientAlgoId": self.client_id,
            "algoType": "CONDITIONAL",
            "orderType": order.kind,
            "symbol": order.symbol,
            "side": order.side,
            "positionSide": order.extra["position_side"],
            "timeInForce": order.tif,
            "quantity": plain(order.quantity),
            "algoStatus": self.status,
            "actualOrderId": str(actual.id) if actual else "",
            "actualPrice": plain(actual.average if actual else ZERO),
            "triggerPrice": plain(self.trigger),
            "price": plain(order.price or ZERO),
            "icebergQuantity": None,
            "tpOrderType": "",
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "workingType": order.extra["_working"],
            "priceMatch": "NONE",
            "closePosition": order.extra["close_position"],
            "priceProtect": order.extra["_protect"],
            "reduceOnly": order.extra["reduce_only"],
            "createTime": self.created_ms,
            "updateTime": self.updated_ms,
            "triggerTime": self.triggered_ms,
            "goodTillDate": 0,
        }

    def event(self, now):
        order, actual = self.order, self.actual
        body = {
            "caid": self.client_id,
            "aid": self.number,
            "at": "CONDITIONAL",
            "o": order.kind,
            "s": order.symbol,
            "S": order.side,
            "ps": order.extra["position_side"],
            "f": order.tif,
            "q": plain(order.quantity),
            "X": self.status,
            "ai": str(actual.id) if actual else "",
            "ap": plain(actual.average if actual else ZERO),
            "aq": plain(actual.filled if actual else ZERO),
            "act": "" if actual is None else actual.kind,
            "tp": plain(self.trigger),
            "p": plain(order.price or ZERO),
            "V": "EXPIRE_MAKER",
            "wt": order.extra["_working"],
            "pm": "NONE",
            "cp": order.extra["close_position"],
            "pP": order.extra["_protect"],
            "R": order.extra["reduce_only"],
            "tt": self.triggered_ms,
            "gtd": 0,
            "rm": "",
        }
        return {"e": "ALGO_UPDATE", "E": now, "T": self.updated_ms, "o": body}


class Algo(Margin):
    def __init__(self, options, symbols, pasts, keys):
        super().__init__(options, symbols, pasts, keys)
        self.settings["algo_service"] = True
        self.algos, self.next_algo = {}, 2_000_000
        one = "/fapi/v1/"
        self.algo_routes = {
            ("POST", one + "algoOrder"): (self.place_algo, 0, "signed"),
            ("GET", one + "algoOrder"): (lambda p: self.find_algo(p).told(), 1, "signed"),
            ("DELETE", one + "algoOrder"): (self.cancel_algo, 1, "signed"),
            ("GET", one + "openAlgoOrders"): (self.open_algos, 1, "signed"),
            ("GET", one + "allAlgoOrders"): (self.all_algos, 5, "signed"),
            ("DELETE", one + "algoOpenOrders"): (self.cancel_algos, 1, "signed"),
        }

    def place_algo(self, params):
        if params.need("algoType") != "CONDITIONAL" or params.need("type") not in KINDS:
            raise Refusal(-1116, "Invalid orderType.")
        params.need("triggerPrice")
        names = {"triggerPrice": "stopPrice", "clientAlgoId": "newClientOrderId"}
        given = [(names.get(name, name), value) for name, value in params.values.items()]
        order = self.read_order(Params(given))
        if any(algo.client_id == order.extra["client_id"] for algo in self.waiting()):
            raise Refusal(-4116, "ClientOrderId is duplicated.")
        algo = Conditional(self.next_algo, given, order, self.clock())
        self.next_algo += 1
        self.algos[algo.number] = algo
        self.tell_algo(algo, "NEW")
        return algo.told()

    def waiting(self, symbol=None):
        return [
            algo
            for algo in self.algos.values()
            if algo.status == "NEW" and symbol in (None, algo.order.symbol)
        ]

    def tell_algo(self, algo, status):
        algo.status, algo.updated_ms = status, self.clock()
        self.streams.user(algo.event(self.clock()))

    def find_algo(self, params):
        number, client = params.integer("algoId"), params.get("clientAlgoId")
        found = [
            algo
            for algo in self.algos.values()
            if number == algo.number or (number is None and client == algo.client_id)
        ]
        if not found:
            raise Refusal(-2013, "Order does not exist.")
        return found[-1]

    def cancel_algo(self, params):
        try:
            algo = self.find_algo(params)
        except Refusal:
            raise Refusal(-2011, "Unknown order sent.") from None
        if algo.status != "NEW":
            raise Refusal(-2011, "Unknown order sent.")
        self.tell_algo(algo, "CANCELED")
        told = {"algoId": algo.number, "clientAlgoId": algo.client_id}
        return dict(told, code="200", msg="success")

    def cancel_algos(self, params):
        for algo in self.waiting(self.symbol(params).name):
            self.tell_algo(algo, "CANCELED")
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def open_algos(self, params):
        return [algo.told() for algo in self.waiting(params.get("symbol"))]

    def all_algos(self, params):
        name = self.symbol(params).name
        return [algo.told() for algo in self.algos.values() if algo.order.symbol == name]

    def set_price(self, name, price):
        told = super().set_price(name, price)
        for algo in self.waiting(name):
            if algo.reached(self.engine.prices[name]):
                self.trigger(algo)
        return told

    def trigger(self, algo):
        """The service hands an ordinary order to the matching engine, or finds that it cannot."""
        asked = algo.order
        algo.triggered_ms = self.clock()
        self.tell_algo(algo, "TRIGGERING")
        held = self.positions.get(self.place_of(asked), (ZERO,))[0]
        quantity = asked.quantity
        if asked.extra["close_position"] or asked.extra["reduce_only"]:
            against = held != 0 and (held > 0) == (asked.side == "SELL")
            wanted = abs(held) if asked.extra["close_position"] else quantity
            quantity = min(wanted, abs(held)) if against else ZERO
        if quantity == 0:
            self.tell_algo(algo, "EXPIRED")
            return
        kind = "MARKET" if asked.price is None else "LIMIT"
        born = Order(asked.symbol, asked.side, kind, Decimal(quantity), asked.price, tif=asked.tif)
        born.extra = dict(asked.extra, algo=algo.number)
        algo.actual = born
        self.engine.add(born)
        self.tell_algo(algo, "TRIGGERED")
        if not born.is_open:
            self.tell_algo(algo, "FINISHED")

    def told_book(self):
        return dict(super().told_book(), algos=[algo.told() for algo in self.algos.values()])
