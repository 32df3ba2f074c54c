"""Spot: balances, order types, replies and user events as the fact sheet has them."""
from decimal import ROUND_DOWN, Decimal

from matching import ZERO, Order, plain

from binance.floor import Params, Refusal
from binance.public import Public
from past import number

KINDS = {  # type: parameters that it needs
    "LIMIT": ("timeInForce", "quantity", "price"),
    "MARKET": (),
    "LIMIT_MAKER": ("quantity", "price"),
    "STOP_LOSS": ("quantity", "stopPrice"),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
    "TAKE_PROFIT": ("quantity", "stopPrice"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
}
TOLD = {"TRIGGER": "NEW"}  # a waiting stop is NEW to the outside
INSUFFICIENT = "Account has insufficient balance for requested action."


def weight_by_symbol(one, all_of_them):
    return lambda request: one if "symbol=" in request.query else all_of_them


class Spot(Public):
    name = "spot"
    over_websocket = {
        "exchangeInfo": ("GET", "/api/v3/exchangeInfo"),
        "depth": ("GET", "/api/v3/depth"),
        "klines": ("GET", "/api/v3/klines"),
        "ticker.price": ("GET", "/api/v3/ticker/price"),
        "ticker.book": ("GET", "/api/v3/ticker/bookTicker"),
        "order.place": ("POST", "/api/v3/order"),
        "order.test": ("POST", "/api/v3/order/test"),
        "order.status": ("GET", "/api/v3/order"),
        "order.cancel": ("DELETE", "/api/v3/order"),
        "order.cancelReplace": ("POST", "/api/v3/order/cancelReplace"),
        "order.amend.keepPriority": ("PUT", "/api/v3/order/amend/keepPriority"),
        "openOrders.status": ("GET", "/api/v3/openOrders"),
        "openOrders.cancelAll": ("DELETE", "/api/v3/openOrders"),
        "allOrders": ("GET", "/api/v3/allOrders"),
        "myTrades": ("GET", "/api/v3/myTrades"),
        "account.status": ("GET", "/api/v3/account"),
        "account.rateLimits.orders": ("GET", "/api/v3/rateLimit/order"),
    }

    def __init__(self, options, symbols, pasts, keys):
        super().__init__(options, symbols, pasts, keys)
        self.balances = {}
        self.set_balances({"USDT": "1000000", "BTC": "10", "ETH": "100", "BNB": "100"})
        v3 = "/api/v3/"
        self.routes = {
            ("GET", v3 + "ping"): (lambda p: {}, 1, None),
            ("GET", v3 + "time"): (lambda p: {"serverTime": self.clock()}, 1, None),
            ("GET", v3 + "exchangeInfo"): (self.exchange_info, 20, None),
            ("GET", v3 + "depth"): (self.depth, 5, None),
            ("GET", v3 + "trades"): (self.recent_trades, 25, None),
            ("GET", v3 + "klines"): (self.klines, 2, None),
            ("GET", v3 + "avgPrice"): (self.average_price, 2, None),
            ("GET", v3 + "ticker/price"): (self.ticker_price, weight_by_symbol(2, 4), None),
            ("GET", v3 + "ticker/bookTicker"): (self.book_ticker, weight_by_symbol(2, 4), None),
            ("GET", v3 + "ticker/24hr"): (self.ticker_day, weight_by_symbol(2, 80), None),
            ("POST", v3 + "order"): (self.place, 1, "signed"),
            ("POST", v3 + "order/test"): (self.try_order, 1, "signed"),
            ("GET", v3 + "order"): (lambda p: self.full(self.query(p)), 4, "signed"),
            ("DELETE", v3 + "order"): (self.cancel, 1, "signed"),
            ("PUT", v3 + "order/amend/keepPriority"): (self.amend, 4, "signed"),
            ("POST", v3 + "order/cancelReplace"): (self.cancel_replace, 1, "signed"),
            ("GET", v3 + "openOrders"): (self.open_orders, weight_by_symbol(6, 80), "signed"),
            ("DELETE", v3 + "openOrders"): (self.cancel_all, 1, "signed"),
            ("GET", v3 + "allOrders"): (
                lambda p: [self.full(order) for order in self.listed(p)],
                20,
                "signed",
            ),
            ("GET", v3 + "myTrades"): (self.my_trades, 20, "signed"),
            ("GET", v3 + "account"): (self.account, 20, "signed"),
            ("GET", v3 + "rateLimit/order"): (self.order_counts, 40, "signed"),
        }

    # ---- what is listed ----------------------------------------------------------------------

    def rate_limits(self):
        def row(kind, interval, size, limit):
            return {
                "rateLimitType": kind,
                "interval": interval,
                "intervalNum": size,
                "limit": limit,
            }

        return [
            row("REQUEST_WEIGHT", "MINUTE", 1, self.limits.weight_max),
            row("ORDERS", "SECOND", 10, self.limits.orders_max),
            row("ORDERS", "DAY", 1, self.limits.day_max),
            row("RAW_REQUESTS", "MINUTE", 5, 61000),
        ]

    def order_counts(self, _):
        rows = [row for row in self.rate_limits() if row["rateLimitType"] == "ORDERS"]
        counts = self.limits.used("10s", 10)[1], self.limits.used("1d", 86400)[1]
        return [dict(row, count=count) for row, count in zip(rows, counts)]

    def exchange_info(self, params):
        one, many = params.get("symbol"), params.get("symbols")
        wanted = [one] if one else many.strip('[]"').split('","') if many else self.symbols
        if any(name not in self.symbols for name in wanted):
            raise Refusal(-1121, "Invalid symbol.")
        return {
            "timezone": "UTC",
            "serverTime": self.clock(),
            "rateLimits": self.rate_limits(),
            "exchangeFilters": [],
            "symbols": [self.told_symbol(self.symbols[name]) for name in wanted],
        }

    @staticmethod
    def told_symbol(symbol):
        return {
            "symbol": symbol.name,
            "status": symbol.status,
            "baseAsset": symbol.base,
            "baseAssetPrecision": 8,
            "quoteAsset": symbol.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": list(KINDS),
            "icebergAllowed": True,
            "ocoAllowed": True,
            "otoAllowed": True,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": True,
            "cancelReplaceAllowed": True,
            "amendAllowed": True,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": symbol.spot_filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
        }

    # ---- placing -----------------------------------------------------------------------------

    def read_order(self, params):
        """The order that the parameters describe, refused for whatever is wrong with it."""
        symbol, side, kind = self.symbol(params), params.need("side"), params.need("type")
        if side not in ("BUY", "SELL"):
            raise Refusal(-1117, "Invalid side.")
        if kind not in KINDS:
            raise Refusal(-1116, "Invalid orderType.")
        for name in KINDS[kind]:
            params.need(name)
        tif = params.get("timeInForce")
        if tif not in (None, "GTC", "IOC", "FOK"):
            raise Refusal(-1115, "Invalid timeInForce.")
        price, stop = params.decimal("price"), params.decimal("stopPrice")
        for name, value in (("timeInForce", tif), ("price", price), ("stopPrice", stop)):
            if value is not None and name not in KINDS[kind]:
                raise Refusal(-1106, f"Parameter '{name}' sent when not required.")
        quantity, whole = params.decimal("quantity"), params.decimal("quoteOrderQty")
        now = self.engine.prices[symbol.name]
        if kind == "MARKET":
            if (quantity is None) == (whole is None):
                params.need("quantity" if quantity is None else "quoteOrderQty_or_quantity")
            if quantity is None:
                quantity = (whole / now).quantize(symbol.step, ROUND_DOWN)
        for name in ("icebergQty", "trailingDelta", "strategyId", "strategyType"):
            params.get(name)
        params.get("selfTradePreventionMode")
        answer = params.get("newOrderRespType", "FULL" if kind in ("MARKET", "LIMIT") else "ACK")
        if answer not in ("ACK", "RESULT", "FULL"):
            raise Refusal(-1100, "Illegal characters found in parameter 'newOrderRespType'.")
        order = Order(symbol.name, side, kind, quantity, price, stop, tif or "GTC")
        order.extra = {
            "client_id": self.client_id(params),
            "_whole": whole or ZERO,
            "_answer": answer,
            "_step": symbol.step,
            "_fills": [],
        }
        self.refuse_order(symbol, order, now)
        return order

    def refuse_order(self, symbol, order, now):
        if order.quantity <= 0:
            raise Refusal(-1013, "Invalid quantity.")
        if symbol.status != "TRADING":
            raise Refusal(-1013 if symbol.status == "BREAK" else -2010, "Market is closed.")
        fault = symbol.fault(order.kind, order.quantity, order.price, order.stop, now)
        if fault:
            raise Refusal(-1013, "Filter failure: " + fault)
        if len([o for o in self.engine.open.values() if o.symbol == symbol.name]) >= (
            symbol.orders_max
        ):
            raise Refusal(-1013, "Filter failure: MAX_NUM_ORDERS")
        if self.open_with(symbol.name, order.extra["client_id"]):
            raise Refusal(-2010, "Duplicate order sent.")
        buy = order.side == "BUY"
        if order.kind == "LIMIT_MAKER" and (now <= order.price if buy else now >= order.price):
            raise Refusal(-2010, "Order would immediately match and take.")
        if order.stop is not None:
            rises = buy == order.kind.startswith("STOP")
            if now >= order.stop if rises else now <= order.stop:
                raise Refusal(-2010, "Stop price would trigger immediately.")

    def reserve(self, order):
        """Ties up what the order may need: the base asset, or the quote asset at its price."""
        symbol, unit = self.symbols[order.symbol], Decimal(1)
        if order.side == "BUY":
            unit = order.price or order.stop or self.engine.prices[order.symbol]
        asset = symbol.base if order.side == "SELL" else symbol.quote
        amount = order.quantity * unit
        if self.balances.get(asset, [ZERO, ZERO])[0] < amount:
            raise Refusal(-2010, INSUFFICIENT)
        order.extra["_locked"], order.extra["_unit"] = [asset, amount], unit
        self.balances[asset][0] -= amount
        self.balances[asset][1] += amount

    def place(self, params):
        order = self.read_order(params)
        if params.strict:
            params.none_left()
        self.limits.count_order()
        try:
            self.reserve(order)
        except Refusal:
            self.limits.count_order(-1)
            raise
        order.extra["_counted"] = True
        self.engine.add(order)
        return self.placed(order)

    def try_order(self, params):
        self.read_order(params)
        return {}

    def settle(self, trade):
        """Moves the money of one trade; the fee is taken from what is received."""
        order, symbol = trade.order, self.symbols[trade.order.symbol]
        if order.extra.pop("_counted", False):
            self.limits.count_order(-1)
        asset, share = order.extra["_locked"][0], trade.quantity * order.extra["_unit"]
        order.extra["_locked"][1] -= share
        self.balances[asset][1] -= share
        cost = trade.quantity * trade.price
        buy = order.side == "BUY"
        paid, got = (cost, trade.quantity) if buy else (trade.quantity, cost)
        received = symbol.base if buy else symbol.quote
        trade.fee = (got * Decimal(self.settings["fee"])).quantize(Decimal("1e-8"), ROUND_DOWN)
        trade.fee_asset = received
        self.balances[asset][0] += share - paid
        self.balances.setdefault(received, [ZERO, ZERO])[0] += got - trade.fee
        order.extra.setdefault("_fills", []).append(trade)

    def changed(self, order, what, trade=None):
        """Follows every change of an order: frees what it tied up, tells the user streams."""
        if not order.is_open and order.extra.get("_locked"):
            asset, left = order.extra["_locked"]
            self.balances[asset][1] -= left
            self.balances[asset][0] += left
            order.extra["_locked"][1] = ZERO
        if what == "WOKEN":
            return
        self.streams.user(self.report(order, what, trade))
        self.streams.user(self.told_account_change(order))
        if trade:
            self.streams.traded(trade)

    # ---- replies -----------------------------------------------------------------------------

    def result(self, order):
        return {
            "symbol": order.symbol,
            "orderId": order.id,
            "orderListId": -1,
            "clientOrderId": order.extra["client_id"],
            "price": number(order.price or 0),
            "origQty": number(order.quantity),
            "executedQty": number(order.filled),
            "origQuoteOrderQty": number(order.extra.get("_whole", ZERO)),
            "cummulativeQuoteQty": number(order.value),
            "status": TOLD.get(order.status, order.status),
            "timeInForce": order.tif,
            "type": order.kind,
            "side": order.side,
            "selfTradePreventionMode": "EXPIRE_MAKER",
            **({"stopPrice": number(order.stop)} if order.stop is not None else {}),
        }

    def placed(self, order):
        answer = order.extra["_answer"]
        if answer == "ACK":
            names = ("symbol", "orderId", "orderListId", "clientOrderId")
            told = {name: self.result(order)[name] for name in names}
            return dict(told, transactTime=order.created_ms)
        told = dict(self.result(order), transactTime=order.updated_ms)
        told["workingTime"] = order.created_ms if order.woken else -1
        if answer == "FULL":
            told["fills"] = [
                {
                    "price": number(t.price),
                    "qty": number(t.quantity),
                    "commission": number(t.fee),
                    "commissionAsset": t.fee_asset,
                    "tradeId": t.id,
                }
                for t in order.extra["_fills"]
            ]
        return told

    def full(self, order):
        told = self.result(order)
        return dict(
            told,
            stopPrice=number(order.stop or 0),
            icebergQty="0.00000000",
            time=order.created_ms,
            updateTime=order.updated_ms,
            isWorking=order.woken,
            workingTime=order.created_ms if order.woken else -1,
        )

    def open_orders(self, params):
        wanted = self.symbol(params).name if params.get("symbol") else None
        return [
            self.full(order)
            for order in self.engine.open.values()
            if wanted in (None, order.symbol) and self.visible(order)
        ]

    def my_trades(self, params):
        return [
            {
                "symbol": t.order.symbol,
                "id": t.id,
                "orderId": t.order.id,
                "orderListId": -1,
                "price": number(t.price),
                "qty": number(t.quantity),
                "quoteQty": number(t.quantity * t.price),
                "commission": number(t.fee),
                "commissionAsset": t.fee_asset,
                "time": t.at_ms,
                "isBuyer": t.order.side == "BUY",
                "isMaker": t.maker,
                "isBestMatch": True,
            }
            for t in self.listed_trades(params)
        ]

    def account(self, params):
        without_zero = params.get("omitZeroBalances") == "true"
        fee = number(Decimal(self.settings["fee"]))
        rates = {"maker": fee, "taker": fee, "buyer": "0.00000000", "seller": "0.00000000"}
        return {
            "makerCommission": 10,
            "takerCommission": 10,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": rates,
            "canTrade": True,
            "canWithdraw": False,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self.clock(),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": number(free), "locked": number(locked)}
                for asset, (free, locked) in self.balances.items()
                if free or locked or not without_zero
            ],
            "permissions": ["SPOT"],
            "uid": 354937868,
        }

    # ---- cancelling and changing -------------------------------------------------------------

    def cancel_order(self, order, params):
        """Cancels; the reply's clientOrderId is the cancel's own, as on the exchange."""
        name = self.client_id(params)
        order.extra["_cancel_id"] = name
        self.engine.end(order, "CANCELED")
        told = dict(self.result(order), origClientOrderId=order.extra["client_id"])
        return dict(told, clientOrderId=name, transactTime=order.updated_ms)

    def cancel(self, params):
        order, only = self.find(params, open_only=True), params.get("cancelRestrictions")
        if order is None:
            raise Refusal(-2011, "Unknown order sent.")
        wanted = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}
        if only and TOLD.get(order.status, order.status) != wanted.get(only):
            raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
        return self.cancel_order(order, params)

    def cancel_all(self, params):
        name = self.symbol(params).name
        orders = [order for order in self.engine.open.values() if order.symbol == name]
        if not orders:
            raise Refusal(-2011, "Unknown order sent.")
        return [self.cancel_order(order, params) for order in orders]

    def cancel_replace(self, params):
        mode = params.need("cancelReplaceMode")
        old = {"symbol": params.need("symbol")}
        for name, to in (("cancelOrderId", "orderId"), ("cancelOrigClientOrderId", None)):
            if params.get(name):
                old[to or "origClientOrderId"] = params.get(name)
        if params.get("cancelNewClientOrderId"):
            old["newClientOrderId"] = params.get("cancelNewClientOrderId")
        told = {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS"}
        try:
            told["cancelResponse"] = self.cancel(Params(old.items()))
        except Refusal as refusal:
            told.update(cancelResult="FAILURE", cancelResponse=refusal.body())
        if told["cancelResult"] == "FAILURE" and mode == "STOP_ON_FAILURE":
            told.update(newOrderResult="NOT_ATTEMPTED", newOrderResponse=None)
        else:
            try:
                told["newOrderResponse"] = self.place(params)
            except Refusal as refusal:
                told.update(newOrderResult="FAILURE", newOrderResponse=refusal.body())
        results = told["cancelResult"], told["newOrderResult"]
        if results == ("SUCCESS", "SUCCESS"):
            return told
        if "SUCCESS" in results:
            text = "Order cancel-replace partially failed."
            raise Refusal(-2021, text, 409, more={"data": told})
        raise Refusal(-2022, "Order cancel-replace failed.", 400, more={"data": told})

    def amend(self, params):
        """Makes an open order smaller; without a new client id it gets one made up."""
        order, wanted = self.find(params, open_only=True), params.decimal("newQty")
        params.need("newQty")
        if order is None:
            raise Refusal(-2038, "Order amend rejected: Order does not exist.")
        if not order.filled < wanted < order.quantity or wanted % self.symbols[order.symbol].step:
            raise Refusal(-2038, "The requested action would change no state; rejecting.")
        asset = order.extra["_locked"][0]
        freed = order.extra["_unit"] * (order.quantity - wanted)
        order.extra["_locked"][1] -= freed
        self.balances[asset][1] -= freed
        self.balances[asset][0] += freed
        order.extra["_was"] = order.extra["client_id"]
        order.extra["client_id"] = self.client_id(params)
        order.quantity, order.updated_ms = wanted, self.clock()
        self.streams.user(self.report(order, "REPLACED"))
        return {
            "transactTime": order.updated_ms,
            "executionId": self.streams.execution_id,
            "amendedOrder": self.full(order),
        }

    # ---- user events -------------------------------------------------------------------------

    def report(self, order, what, trade=None):
        """executionReport. Of a cancel, c is the cancel's id and C the order's."""
        kinds = {"NEW": "NEW", "TRADE": "TRADE", "REPLACED": "REPLACED"}
        cancelled = what == "CANCELED"
        own = order.extra["client_id"]
        self.streams.execution_id += 1
        price = number(trade.price) if trade else "0.00000000"
        last = trade.quantity if trade else ZERO
        return {
            "e": "executionReport",
            "E": self.clock(),
            "s": order.symbol,
            "c": order.extra.get("_cancel_id", own) if cancelled else own,
            "S": order.side,
            "o": order.kind,
            "f": order.tif,
            "q": number(order.quantity),
            "p": number(order.price or 0),
            "P": number(order.stop or 0),
            "F": "0.00000000",
            "g": -1,
            "C": own if cancelled else order.extra.get("_was", ""),
            "x": kinds.get(what, what),
            "X": TOLD.get(order.status, order.status),
            "r": order.reason or "NONE",
            "i": order.id,
            "l": number(last),
            "z": number(order.filled),
            "L": price,
            "n": number(trade.fee) if trade else "0",
            "N": trade.fee_asset if trade else None,
            "T": order.updated_ms,
            "t": trade.id if trade else -1,
            "I": self.streams.execution_id,
            "w": order.is_open and order.woken,
            "m": bool(trade and trade.maker),
            "M": bool(trade),
            "O": order.created_ms,
            "Z": number(order.value),
            "Y": number(last * trade.price) if trade else "0.00000000",
            "Q": number(order.extra.get("_whole", ZERO)),
            "W": order.created_ms,
            "V": "EXPIRE_MAKER",
        }

    def told_account_change(self, order):
        symbol = self.symbols[order.symbol]
        rows = {a: self.balances.get(a, (ZERO, ZERO)) for a in (symbol.base, symbol.quote)}
        now = self.clock()
        return {
            "e": "outboundAccountPosition",
            "E": now,
            "u": now,
            "B": [{"a": a, "f": number(f), "l": number(k)} for a, (f, k) in rows.items()],
        }

    def told_balances(self):
        return {
            asset: {"free": plain(free), "locked": plain(locked)}
            for asset, (free, locked) in self.balances.items()
        }

    def told_positions(self):
        return []

    def set_balances(self, given):
        for asset, free in given.items():
            self.balances[asset] = [Decimal(str(free)), ZERO]
