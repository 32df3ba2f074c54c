"""USD-M futures: positions instead of balances, ACK by default, user data by listenKey."""
from matching import ZERO, Order, plain
from past import number

from binance.algo import ALGO_ONLY, Algo
from binance.floor import Refusal
from binance.margin import SIDES

KINDS = {  # type: parameters that it needs
    "LIMIT": ("timeInForce", "quantity", "price"),
    "MARKET": ("quantity",),
    "STOP": ("quantity", "price", "stopPrice"),
    "TAKE_PROFIT": ("quantity", "price", "stopPrice"),
    "STOP_MARKET": ("stopPrice",),
    "TAKE_PROFIT_MARKET": ("stopPrice",),
}
TOLD = {"TRIGGER": "NEW"}


class Futures(Algo):
    name = "usdm"
    over_websocket = {
        "order.place": ("POST", "/fapi/v1/order"),
        "order.modify": ("PUT", "/fapi/v1/order"),
        "order.status": ("GET", "/fapi/v1/order"),
        "order.cancel": ("DELETE", "/fapi/v1/order"),
        "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
        "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
        "account.balance": ("GET", "/fapi/v3/balance"),
        "v2/account.balance": ("GET", "/fapi/v3/balance"),
        "account.position": ("GET", "/fapi/v3/positionRisk"),
        "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
        "account.status": ("GET", "/fapi/v3/account"),
        "v2/account.status": ("GET", "/fapi/v3/account"),
    }

    def __init__(self, options, symbols, pasts, keys):
        super().__init__(options, symbols, pasts, keys)
        self.limits.weight_max = min(self.limits.weight_max, 2400)
        self.limits.orders_max = max(self.limits.orders_max, 300)
        one = "/fapi/v1/"
        self.routes = {
            ("GET", one + "ping"): (lambda p: {}, 1, None),
            ("GET", one + "time"): (lambda p: {"serverTime": self.clock()}, 1, None),
            ("GET", one + "exchangeInfo"): (self.exchange_info, 1, None),
            ("GET", one + "depth"): (self.depth, 5, None),
            ("GET", one + "trades"): (self.recent_trades, 5, None),
            ("GET", one + "klines"): (self.klines, 5, None),
            ("GET", one + "premiumIndex"): (self.premium, 1, None),
            ("GET", one + "ticker/price"): (self.ticker_price, 2, None),
            ("GET", one + "ticker/bookTicker"): (self.book_ticker, 5, None),
            ("GET", one + "ticker/24hr"): (self.ticker_day, 1, None),
            ("POST", one + "order"): (self.place, 0, "signed"),
            ("POST", one + "order/test"): (lambda p: self.read_order(p) and {}, 0, "signed"),
            ("GET", one + "order"): (lambda p: self.full(self.query(p)), 1, "signed"),
            ("PUT", one + "order"): (self.modify, 1, "signed"),
            ("DELETE", one + "order"): (self.cancel, 1, "signed"),
            ("GET", one + "openOrder"): (self.open_order, 1, "signed"),
            ("GET", one + "openOrders"): (self.open_orders, 1, "signed"),
            ("DELETE", one + "allOpenOrders"): (self.cancel_all, 1, "signed"),
            ("GET", one + "allOrders"): (
                lambda p: [self.full(order) for order in self.listed(p)],
                5,
                "signed",
            ),
            ("GET", one + "userTrades"): (self.user_trades, 5, "signed"),
            ("GET", one + "leverageBracket"): (self.brackets, 1, "signed"),
            ("POST", one + "leverage"): (self.set_leverage, 1, "signed"),
            ("POST", one + "marginType"): (self.set_margin_type, 1, "signed"),
            ("GET", one + "positionSide/dual"): (self.get_dual, 30, "signed"),
            ("POST", one + "positionSide/dual"): (self.set_dual, 1, "signed"),
            ("POST", one + "listenKey"): (self.make_listen_key, 1, "key"),
            ("PUT", one + "listenKey"): (self.keep_listen_key, 1, "key"),
            ("DELETE", one + "listenKey"): (self.drop_listen_key, 1, "key"),
        }
        self.routes.update(self.algo_routes)
        for version in ("v2", "v3"):
            path = f"/fapi/{version}/"
            self.routes["GET", path + "account"] = (self.account, 5, "signed")
            self.routes["GET", path + "balance"] = (self.balance, 5, "signed")
            self.routes["GET", path + "positionRisk"] = (self.position_risk, 5, "signed")

    # ---- what is public ----------------------------------------------------------------------

    def rate_limits(self):
        rows = (
            ("REQUEST_WEIGHT", "MINUTE", 1, self.limits.weight_max),
            ("ORDERS", "MINUTE", 1, 1200),
            ("ORDERS", "SECOND", 10, self.limits.orders_max),
        )
        names = ("rateLimitType", "interval", "intervalNum", "limit")
        return [dict(zip(names, row)) for row in rows]

    def exchange_info(self, _):
        return {
            "exchangeFilters": [],
            "rateLimits": self.rate_limits(),
            "serverTime": self.clock(),
            "timezone": "UTC",
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": [self.told_symbol(symbol) for symbol in self.symbols.values()],
        }

    @staticmethod
    def told_symbol(symbol):
        def places(value):
            return max(0, -value.normalize().as_tuple().exponent)

        return {
            "symbol": symbol.name,
            "pair": symbol.name,
            "contractType": "PERPETUAL",
            "deliveryDate": 4133404800000,
            "onboardDate": 1569398400000,
            "status": symbol.status,
            "maintMarginPercent": "2.5000",
            "requiredMarginPercent": "5.0000",
            "baseAsset": symbol.base,
            "quoteAsset": symbol.quote,
            "marginAsset": symbol.quote,
            "pricePrecision": places(symbol.tick),
            "quantityPrecision": places(symbol.step),
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "triggerProtect": "0.0500",
            "liquidationFee": "0.012500",
            "marketTakeBound": "0.05",
            "filters": symbol.futures_filters(),
            "orderTypes": list(KINDS),
            "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        }

    def premium(self, params):
        def tell(symbol):
            price = plain(self.engine.prices[symbol.name])
            return {
                "symbol": symbol.name,
                "markPrice": price,
                "indexPrice": price,
                "estimatedSettlePrice": price,
                "lastFundingRate": "0.00010000",
                "nextFundingTime": self.clock() // 28_800_000 * 28_800_000 + 28_800_000,
                "interestRate": "0.00010000",
                "time": self.clock(),
            }

        return self.each_symbol(params, tell)

    # ---- placing -----------------------------------------------------------------------------

    def read_order(self, params):
        symbol, side, kind = self.symbol(params), params.need("side"), params.need("type")
        if side not in ("BUY", "SELL"):
            raise Refusal(-1117, "Invalid side.")
        if kind not in KINDS:
            raise Refusal(-1116, "Invalid orderType.")
        for name in KINDS[kind]:
            params.need(name)
        tif = params.get("timeInForce", "GTC")
        if tif not in ("GTC", "IOC", "FOK", "GTX", "GTD"):
            raise Refusal(-1115, "Invalid timeInForce.")
        price, stop = params.decimal("price"), params.decimal("stopPrice")
        if price is not None and "price" not in KINDS[kind]:
            raise Refusal(-1106, "Parameter 'price' sent when not required.")
        closing = params.get("closePosition") == "true"
        if closing == ("quantity" in params.values):
            params.need("quantity")
            raise Refusal(-4136, "Target strategy invalid for closePosition true, quantity sent.")
        order = Order(symbol.name, side, kind, params.decimal("quantity") or ZERO, price, stop, tif)
        order.extra = {
            "client_id": self.client_id(params),
            "position_side": params.get("positionSide", "BOTH"),
            "reduce_only": params.get("reduceOnly") == "true",
            "close_position": closing,
            "_working": params.get("workingType", "CONTRACT_PRICE"),
            "_protect": params.get("priceProtect", "FALSE").upper() == "TRUE",
            "_answer": params.get("newOrderRespType", "ACK"),
            "_step": symbol.step,
        }
        for name in ("selfTradePreventionMode", "priceMatch", "goodTillDate", "activationPrice"):
            params.get(name)
        self.refuse_order(symbol, order)
        return order

    def refuse_order(self, symbol, order):
        now, extra = self.engine.prices[symbol.name], order.extra
        buy = order.side == "BUY"
        if extra["position_side"] not in SIDES[self.dual]:
            text = "Order's position side does not match user's setting."
            raise Refusal(-4061, text)
        if not extra["close_position"]:
            self.refuse_quantity(symbol, order, now)
        for value in (order.price, order.stop):
            if value is not None and value % symbol.tick:
                raise Refusal(-4014, "Price not increased by tick size.")
        if self.open_with(symbol.name, extra["client_id"]):
            raise Refusal(-4116, "ClientOrderId is duplicated.")
        if order.stop is not None:
            rises = buy == order.kind.startswith("STOP")
            if now >= order.stop if rises else now <= order.stop:
                raise Refusal(-2021, "Order would immediately trigger.")
        if order.tif == "GTX" and (now <= order.price if buy else now >= order.price):
            text = "Due to the order could not be executed as maker, the Post Only order will be "
            raise Refusal(-5022, text + "rejected.")
        held = self.held(order)
        if extra["reduce_only"] and (held == 0 or (held > 0) == buy):
            raise Refusal(-2022, "ReduceOnly Order is rejected.")
        if extra["reduce_only"]:
            order.quantity = min(order.quantity, abs(held))
        elif not extra["close_position"]:
            worth = order.quantity * (order.price or order.stop or now)
            if worth / self.leverage[symbol.name] > self.free_margin():
                raise Refusal(-2019, "Margin is insufficient.")

    def refuse_quantity(self, symbol, order, now):
        if order.quantity <= 0:
            raise Refusal(-4003, "Quantity less than or equal to zero.")
        if order.quantity % symbol.step:
            raise Refusal(-1111, "Precision is over the maximum defined for this asset.")
        if order.quantity > symbol.high_quantity:
            raise Refusal(-4005, "Quantity greater than max quantity.")
        worth = order.quantity * (order.price or order.stop or now)
        if worth < symbol.notional and not order.extra["reduce_only"]:
            text = f"Order's notional must be no smaller than {symbol.notional}"
            raise Refusal(-4164, text + " (unless you choose reduce only).")

    def reserve(self, order):
        """A foreign order of the judge's needs nothing set aside."""
        order.extra.setdefault("position_side", "BOTH" if not self.dual else "LONG")

    def place(self, params):
        order = self.read_order(params)
        if order.stop is not None and self.settings["algo_service"]:
            raise Refusal(-4120, ALGO_ONLY + "instead.")
        self.limits.count_order()
        told = order.extra["_answer"]
        order.extra["_counted"] = True
        self.engine.add(order)
        if told == "ACK":
            return dict(self.result(order, fresh=True), updateTime=order.created_ms)
        return self.result(order)

    def changed(self, order, what, trade=None):
        if what == "WOKEN":
            if order.extra.get("close_position"):
                order.quantity = abs(self.held(order))
                if order.quantity == 0:
                    self.engine.end(order, "EXPIRED")
            return
        if trade:
            self.streams.user(self.told_account_change(order))
        self.streams.user(self.report(order, what, trade))
        if trade:
            self.streams.traded(trade)
        algo = self.algos.get(order.extra.get("algo"))
        if algo and algo.status == "TRIGGERED" and not order.is_open:
            self.tell_algo(algo, "FINISHED")

    def user_trades(self, params):
        return [
            {
                "symbol": t.order.symbol,
                "id": t.id,
                "orderId": t.order.id,
                "side": t.order.side,
                "positionSide": t.order.extra["position_side"],
                "price": plain(t.price),
                "qty": plain(t.quantity),
                "quoteQty": plain(t.quantity * t.price),
                "realizedPnl": number(t.realised),
                "marginAsset": "USDT",
                "commission": number(t.fee),
                "commissionAsset": t.fee_asset,
                "time": t.at_ms,
                "buyer": t.order.side == "BUY",
                "maker": t.maker,
            }
            for t in self.listed_trades(params)
        ]

    # ---- replies -----------------------------------------------------------------------------

    def result(self, order, fresh=False):
        """`fresh`: as an ACK has it, before anything was matched."""
        filled, value = (ZERO, ZERO) if fresh else (order.filled, order.value)
        status = "NEW" if fresh else TOLD.get(order.status, order.status)
        return {
            "orderId": order.id,
            "symbol": order.symbol,
            "status": status,
            "clientOrderId": order.extra["client_id"],
            "price": plain(order.price or ZERO),
            "avgPrice": number(value / filled if filled else ZERO, 5),
            "origQty": plain(order.quantity),
            "executedQty": plain(filled),
            "cumQty": plain(filled),
            "cumQuote": number(value, 5),
            "timeInForce": order.tif,
            "type": order.kind if not order.woken or order.stop is None else self.woken_kind(order),
            "reduceOnly": order.extra.get("reduce_only", False),
            "closePosition": order.extra.get("close_position", False),
            "side": order.side,
            "positionSide": order.extra["position_side"],
            "stopPrice": plain(order.stop or ZERO),
            "workingType": order.extra.get("_working", "CONTRACT_PRICE"),
            "priceProtect": order.extra.get("_protect", False),
            "origType": order.kind,
            "priceMatch": "NONE",
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "goodTillDate": 0,
            "updateTime": order.updated_ms,
        }

    @staticmethod
    def woken_kind(order):
        return "MARKET" if order.price is None else "LIMIT"

    def full(self, order):
        return dict(self.result(order), time=order.created_ms)

    def open_order(self, params):
        order = self.find(params, open_only=True)
        if order is None or not self.visible(order):
            raise Refusal(-2013, "Order does not exist.")
        return self.full(order)

    def open_orders(self, params):
        wanted = self.symbol(params).name if params.get("symbol") else None
        return [
            self.full(order)
            for order in self.engine.open.values()
            if wanted in (None, order.symbol) and self.visible(order)
        ]

    def cancel(self, params):
        order = self.find(params, open_only=True)
        if order is None:
            raise Refusal(-2011, "Unknown order sent.")
        self.engine.end(order, "CANCELED")
        return self.result(order)

    def cancel_all(self, params):
        name = self.symbol(params).name
        for order in [o for o in self.engine.open.values() if o.symbol == name]:
            self.engine.end(order, "CANCELED")
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def modify(self, params):
        """Changes price and quantity of an open LIMIT order; both must be sent."""
        order = self.find(params, open_only=True)
        for name in ("side", "quantity", "price"):
            params.need(name)
        if order is None or order.kind != "LIMIT":
            raise Refusal(-2013, "Order does not exist.")
        quantity, price = params.decimal("quantity"), params.decimal("price")
        if (quantity, price) == (order.quantity, order.price):
            raise Refusal(-5027, "No need to modify the order.")
        if quantity <= order.filled:
            self.engine.end(order, "CANCELED")
        else:
            order.quantity, order.price, order.updated_ms = quantity, price, self.clock()
            self.changed(order, "AMENDMENT")
            self.engine.work(order, resting=False)
        return self.result(order)

    # ---- user data ---------------------------------------------------------------------------

    def make_listen_key(self, _):
        """One key an account; asking again lengthens the one there is."""
        if not self.listen_keys:
            self.listen_keys[f"{self.judge.chance.getrandbits(256):064x}"] = True
        return {"listenKey": next(iter(self.listen_keys))}

    def keep_listen_key(self, _):
        if not self.listen_keys:
            raise Refusal(-1125, "This listenKey does not exist.")
        return {"listenKey": next(iter(self.listen_keys))}

    def drop_listen_key(self, _):
        self.listen_keys.clear()
        return {}

    def change_settings(self, given):
        if given.pop("expire_listen_key", False):
            for key in list(self.listen_keys):
                now = self.clock()
                self.streams.user({"e": "listenKeyExpired", "E": now, "listenKey": key})
            self.listen_keys.clear()
        return super().change_settings(given)

    def report(self, order, what, trade=None):
        told = {"TRADE": "TRADE", "AMENDMENT": "AMENDMENT"}
        last = trade.quantity if trade else ZERO
        body = {
            "s": order.symbol,
            "c": order.extra["client_id"],
            "S": order.side,
            "o": self.woken_kind(order) if order.woken and order.stop else order.kind,
            "f": order.tif,
            "q": plain(order.quantity),
            "p": plain(order.price or ZERO),
            "ap": plain(round(order.average, 5)),
            "sp": plain(order.stop or ZERO),
            "x": told.get(what, what),
            "X": TOLD.get(order.status, order.status),
            "i": order.id,
            "l": plain(last),
            "z": plain(order.filled),
            "L": plain(trade.price if trade else ZERO),
            "T": order.updated_ms,
            "t": trade.id if trade else 0,
            "b": "0",
            "a": "0",
            "m": bool(trade and trade.maker),
            "R": order.extra.get("reduce_only", False),
            "wt": order.extra.get("_working", "CONTRACT_PRICE"),
            "ot": order.kind,
            "ps": order.extra["position_side"],
            "cp": order.extra.get("close_position", False),
            "rp": plain(trade.realised if trade else ZERO),
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": "EXPIRE_MAKER",
            "pm": "NONE",
            "gtd": 0,
        }
        if trade:
            body.update(N=trade.fee_asset, n=plain(trade.fee))
        return {"e": "ORDER_TRADE_UPDATE", "E": self.clock(), "T": order.updated_ms, "o": body}

    def told_account_change(self, order):
        place = self.place_of(order)
        quantity, entry = self.positions[place]
        wallet = number(self.wallet)
        position = {
            "s": place[0],
            "pa": plain(quantity),
            "ep": plain(round(entry, 8)),
            "bep": plain(round(entry, 8)),
            "cr": "0",
            "up": number(self.gain(place)),
            "mt": "cross",
            "iw": "0",
            "ps": place[1],
        }
        change = {
            "m": "ORDER",
            "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": "0"}],
            "P": [position],
        }
        return {"e": "ACCOUNT_UPDATE", "E": self.clock(), "T": order.updated_ms, "a": change}
