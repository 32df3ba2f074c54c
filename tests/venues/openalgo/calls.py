"""What each endpoint does and how it words it, live and in the sandbox."""
from datetime import datetime, timedelta
from decimal import Decimal

from matching import ZERO

from openalgo.books import IST, STATUS, at, bare

SESSIONS = {"NSE": (555, 930), "NFO": (555, 930), "MCX": (540, 1410)}  # minutes of the day, IST
PAST_INTERVALS = {"1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1h"}
PAST_INTERVALS["D"] = "1d"


class Refused(Exception):
    def __init__(self, status, message, **more):
        super().__init__(message)
        self.status, self.message, self.more = status, message, more


class Calls:
    """call_<endpoint>(values) answers the body without its status, or raises Refused."""

    MODAL = set(  # endpoints whose answer names the mode when it is not live
        "placeorder placesmartorder modifyorder cancelorder cancelallorder closeposition "
        "basketorder splitorder orderstatus openposition orderbook tradebook positionbook "
        "holdings funds".split()
    )

    @property
    def live(self):
        return self.settings["mode"] == "live"

    def instrument(self, values):
        """The instrument, or the refusal that this mode gives for one it does not know."""
        found = self.instruments.get(f"{values['exchange']}:{values['symbol']}")
        if found is None:
            raise Refused(400, f"Symbol {values['symbol']} not found on {values['exchange']}")
        return found

    # ---- orders ------------------------------------------------------------------------------

    def call_placeorder(self, values):
        instrument = self.instrument(values)
        if not self.live:
            fault, kept = self.account.fault(instrument, values)
            if fault:
                raise Refused(400, fault, **self.keep_refused(values, fault, kept))
            if values["action"].upper() == "BUY":
                self.account.used += self.account.margin(instrument, values)
        if self.settings["refuse_orders"] > 0:
            self.settings["refuse_orders"] -= 1
            return self.keep_refused(values, self.settings["refuse_reason"], True)
        order = self.at_side(instrument, values)
        return {"orderid": str(order.id)}

    def at_side(self, instrument, values):
        """The sandbox trades at ask and bid, the broker here at the last price."""
        engine = self.account.engine
        last = engine.prices[instrument.name]
        if not self.live and values["pricetype"] == "MARKET":
            engine.prices[instrument.name] += 1 if values["action"].upper() == "BUY" else -1
        order = self.account.place(values, values["strategy"])
        engine.prices[instrument.name] = last
        return order

    def keep_refused(self, values, reason, kept):
        """The rejected row that the book keeps, as {"orderid"}; nothing if it keeps none."""
        if not kept:
            return {}
        from matching import Order

        name = f"{values['exchange']}:{values['symbol']}"
        price = values["price"] or self.account.engine.prices[name]
        order = Order(
            name,
            values["action"].upper(),
            values["pricetype"],
            values["quantity"],
            price,
            product=values["product"],
            strategy=values["strategy"],
        )
        if not self.live:
            self.account.engine.next_id = self.account.draw_id()
        return {"orderid": str(self.account.engine.reject(order, reason).id)}

    def call_placesmartorder(self, values):
        instrument = self.instrument(values)
        wanted, held = values["position_size"], self.account.held(
            instrument.name, values["product"]
        )
        values = dict(values)
        if wanted == held and (wanted or not values["quantity"]):
            return {"message": "Positions Already Matched. No Action needed."}
        if wanted or held:
            values["quantity"] = abs(wanted - held)
            values["action"] = "BUY" if wanted > held else "SELL"
        return self.call_placeorder(values)

    def known(self, values, status, message):
        order = self.account.order(values["orderid"])
        if order is None:
            raise Refused(status, message.format(values["orderid"]))
        return order

    def call_modifyorder(self, values):
        order = self.known(values, 400 if self.live else 404, "Order {} not found")
        if not order.is_open:
            text = "Order cannot be modified"
            word = STATUS[order.status]
            raise Refused(400, text if self.live else f"Cannot modify order in {word} status")
        kind, engine = values["pricetype"], self.account.engine
        order.kind = kind
        order.quantity = max(values["quantity"], order.filled)
        order.price = values["price"] if kind in ("LIMIT", "SL") else None
        if kind in ("SL", "SL-M") and not order.woken:
            order.stop = values["trigger_price"]
        elif not order.woken:
            order.woken, order.status = True, "NEW"
        order.updated_ms = engine.clock()
        if order.left == 0:
            engine.end(order, "FILLED")
        else:
            engine.work(order, resting=False)
        told = {"orderid": values["orderid"]}
        return told if self.live else dict(told, message="Order modified successfully")

    def call_cancelorder(self, values):
        order = self.known(values, 400 if self.live else 404, "Order {} not found")
        if not order.is_open:
            word = STATUS[order.status]
            text = "Order cannot be cancelled"
            raise Refused(400, text if self.live else f"Cannot cancel order in {word} status")
        self.account.engine.end(order, "CANCELED")
        told = {"orderid": values["orderid"]}
        return told if self.live else dict(told, message="Order cancelled successfully")

    def call_cancelallorder(self, _):
        """Of the whole account, whatever the strategy; the sandbox forgets waiting triggers."""
        orders = list(self.account.engine.open.values())
        if not self.live:
            orders = [order for order in orders if order.status != "TRIGGER"]
        for order in orders:
            self.account.engine.end(order, "CANCELED")
        text = f"Canceled {len(orders)} orders. Failed to cancel 0 orders."
        if not self.live and not orders:
            text = "No open orders to cancel"
        return {
            "canceled_orders": [str(order.id) for order in orders],
            "failed_cancellations": [],
            "message": text,
        }

    def call_closeposition(self, values):
        closed = 0
        for (name, product), (quantity, _, _) in list(self.account.positions.items()):
            if quantity:
                exchange, symbol = name.split(":", 1)
                order = {
                    "exchange": exchange,
                    "symbol": symbol,
                    "action": "SELL" if quantity > 0 else "BUY",
                    "pricetype": "MARKET",
                    "quantity": abs(quantity),
                    "price": ZERO,
                    "trigger_price": ZERO,
                    "product": product,
                }
                self.account.place(order, values["strategy"])
                closed += 1
        if self.live:
            return {"message": "All Open Positions Squared Off"}
        text = f"Closed {closed} positions"
        return {"closed_positions": closed, "failed_closures": 0, "message": text}

    def call_basketorder(self, values):
        from openalgo.schema import LEG, check

        results = []
        orders = sorted(values["orders"], key=lambda o: str(o.get("action", "")).upper() != "BUY")
        for given in orders:
            row = {"symbol": given.get("symbol"), "exchange": given.get("exchange")}
            leg, complaints = check(LEG, given)
            if complaints:
                message = str({"orders": {0: complaints}})
                raise Refused(400, message)
            row["product"] = leg["product"]
            try:
                placed = self.call_placeorder(dict(leg, strategy=values["strategy"]))
                row.update(status="success", **placed)
            except Refused as refused:
                row.update(status="error", message=refused.message)
            results.append(row)
        return {"results": results}

    def call_splitorder(self, values):
        size, left, results = Decimal(values["splitsize"]), values["quantity"], []
        if size < 1:
            raise Refused(400, "{'splitsize': ['Must be greater than or equal to 1.']}")
        if left / size > 100:
            raise Refused(400, "Total number of orders would exceed maximum limit of 100")
        while left > 0:
            share = min(size, left)
            left -= share
            row = {"order_num": len(results) + 1, "quantity": bare(share)}
            try:
                row.update(status="success", **self.call_placeorder(dict(values, quantity=share)))
            except Refused as refused:
                row.update(status="error", message=refused.message)
            results.append(row)
        total = bare(values["quantity"])
        return {"split_size": int(size), "total_quantity": total, "results": results}

    # ---- books -------------------------------------------------------------------------------

    def number(self, value):
        """Plugins differ: the same field is a number here and a string there."""
        return str(bare(value)) if self.settings["numbers"] == "string" else bare(value)

    def word(self, order):
        word = STATUS[order.status]
        return self.settings["status_words"].get(word, word)

    def order_row(self, order):
        exchange, symbol = order.symbol.split(":", 1)
        form = "%d-%b-%Y %H:%M:%S" if self.live else "%Y-%m-%d %H:%M:%S"
        row = {
            "orderid": str(order.id),
            "symbol": symbol,
            "exchange": exchange,
            "action": order.side,
            "quantity": self.number(order.quantity),
            "price": self.number(order.price or ZERO),
            "trigger_price": self.number(order.stop or ZERO),
            "pricetype": order.kind,
            "product": order.extra["product"],
            "order_status": self.word(order),
            "timestamp": at(order.created_ms, form),
        }
        if not self.live:
            row.update(
                filled_quantity=self.number(order.filled),
                pending_quantity=self.number(order.left if order.is_open else ZERO),
                average_price=self.number(order.average),
                rejection_reason=order.reason,
                strategy=order.extra["strategy"],
            )
        return row

    def visible(self):
        """The orders that a book shows by now."""
        bound = self.clock() - self.settings["visible_after_ms"]
        return [o for o in self.account.engine.orders.values() if o.created_ms <= bound]

    def call_orderbook(self, _):
        rows, now = [], self.clock()
        orders = self.visible()
        for order in orders:
            row = self.order_row(order)
            young = now - order.created_ms < self.settings["leak_status_ms"]
            if young and rows:  # a plugin's slip: the row before lends its status
                row["order_status"] = rows[-1]["order_status"]
            rows.append(row)

        def count(test):
            return sum(1 for order in orders if test(order))

        statistics = {
            "total_buy_orders": count(lambda o: o.side == "BUY"),
            "total_sell_orders": count(lambda o: o.side == "SELL"),
            "total_completed_orders": count(lambda o: STATUS[o.status] == "complete"),
            "total_open_orders": count(lambda o: STATUS[o.status] == "open"),
            "total_rejected_orders": count(lambda o: STATUS[o.status] == "rejected"),
        }
        if not self.live:
            waiting = count(lambda o: STATUS[o.status] == "trigger pending")
            statistics["total_trigger_pending_orders"] = waiting
            rows.reverse()
        return {"data": {"orders": rows, "statistics": statistics}}

    def trade_row(self, trade):
        order = trade.order
        exchange, symbol = order.symbol.split(":", 1)
        quantity = ZERO if self.settings["trade_quantity_zero"] else trade.quantity
        row = {
            "orderid": str(order.id),
            "symbol": symbol,
            "exchange": exchange,
            "product": order.extra["product"],
            "action": order.side,
            "quantity": self.number(quantity),
            "average_price": self.number(trade.price),
            "trade_value": self.number(trade.price * trade.quantity),
            "timestamp": at(trade.at_ms, "%H:%M:%S"),
        }
        if not self.live:
            stamp = at(trade.at_ms, "%Y%m%d-%H%M%S")
            row.update(
                timestamp=at(trade.at_ms, "%Y-%m-%d %H:%M:%S"),
                tradeid=f"TRADE-{stamp}-{trade.id:08x}",
                strategy=order.extra["strategy"],
                price=self.number(trade.price),
            )
        return row

    def call_tradebook(self, _):
        shown = {order.id for order in self.visible()}
        trades = [t for t in self.account.engine.trades if t.order.id in shown]
        return {"data": [self.trade_row(trade) for trade in trades]}

    def call_positionbook(self, _):
        rows, total = [], ZERO
        for (name, product), (quantity, average, realised) in self.account.positions.items():
            exchange, symbol = name.split(":", 1)
            pnl = self.account.unrealised((name, product))
            total += pnl
            row = {
                "symbol": symbol,
                "exchange": exchange,
                "product": product,
                "quantity": self.number(quantity),
                "average_price": f"{average:.2f}" if self.live else bare(average),
                "ltp": self.number(self.account.engine.prices[name]),
                "pnl": self.number(pnl),
            }
            if not self.live:
                row.update(
                    lot_size=self.instruments[name].lot,
                    pnlpercent=float(pnl / average / abs(quantity or 1) * 100) if average else 0,
                    today_realized_pnl=bare(realised),
                    total_pnl_today=bare(pnl + realised),
                    unrealized_pnl=bare(pnl),
                )
            rows.append(row)
        if self.live:
            return {"data": rows}
        done = sum((p[2] for p in self.account.positions.values()), ZERO)
        return {
            "data": rows,
            "total_pnl": bare(total),
            "total_pnl_today": bare(total + done),
            "total_today_realized_pnl": bare(done),
            "total_unrealized_pnl": bare(total),
        }

    def call_holdings(self, _):
        names = "totalholdingvalue totalinvvalue totalpnlpercentage totalprofitandloss".split()
        return {"data": {"holdings": [], "statistics": {name: 0 for name in names}}}

    def call_orderstatus(self, values):
        order = self.account.order(values["orderid"])
        if order is None or order not in self.visible():
            raise Refused(404, f"Order {values['orderid']} not found")
        row = self.order_row(order)
        if self.live:
            trades = self.account.trades_of(order)
            first = trades[0].price if trades and order.status == "FILLED" else ZERO
            row["average_price"] = self.number(first)
        else:
            row["price_type"] = row.pop("pricetype")
            row.pop("rejection_reason")
        return {"data": row}

    def call_openposition(self, values):
        name = f"{values['exchange']}:{values['symbol']}"
        return {"quantity": bare(self.account.held(name, values["product"]))}

    def call_funds(self, _):
        account = self.account
        open_gain = sum((account.unrealised(key) for key in account.positions), ZERO)
        done = sum((p[2] for p in account.positions.values()), ZERO)
        if self.live:
            return {
                "data": {
                    "availablecash": f"{account.cash + done:.2f}",
                    "collateral": "0.00",
                    "m2mrealized": f"{done:.2f}",
                    "m2munrealized": f"{open_gain:.2f}",
                    "utiliseddebits": "0.00",
                }
            }
        return {
            "data": {
                "availablecash": bare(account.cash - account.used + done),
                "collateral": 0,
                "grossexposure": bare(account.used),
                "last_reset": at(self.clock(), "%Y-%m-%d %H:%M:%S"),
                "m2mrealized": bare(done),
                "m2munrealized": bare(open_gain),
                "reset_count": 0,
                "today_realized_pnl": bare(done),
                "total_realized_pnl": bare(done),
                "totalpnl": bare(done + open_gain),
                "utiliseddebits": bare(account.used),
            }
        }

    # ---- market data -------------------------------------------------------------------------

    def quoted(self, values):
        found = self.instruments.get(f"{values['exchange']}:{values['symbol']}")
        if found is None:
            text = f"Symbol '{values['symbol']}' not found for exchange '{values['exchange']}'. "
            text += "Please verify the symbol name and ensure master contracts are downloaded."
            raise Refused(400, text)
        return found

    def quote_of(self, instrument):
        price = self.accounts["live"].engine.prices[instrument.name]
        return {
            "open": bare(instrument.price),
            "high": bare(max(price, instrument.price) + 5),
            "low": bare(min(price, instrument.price) - 5),
            "ltp": bare(price),
            "ask": bare(price + 1),
            "bid": bare(price - 1),
            "prev_close": bare(instrument.price - 2),
            "volume": 10,
            "oi": 0,
        }

    def call_quotes(self, values):
        return {"data": self.quote_of(self.quoted(values))}

    def call_multiquotes(self, values):
        results = []
        for asked in values["symbols"]:
            row = {"symbol": asked.get("symbol"), "exchange": asked.get("exchange")}
            try:
                row["data"] = self.quote_of(self.quoted(row))
            except Refused as refused:
                row["error"] = refused.message
            results.append(row)
        return {"results": results}

    def call_depth(self, values):
        instrument = self.quoted(values)
        quote, price = self.quote_of(instrument), self.accounts["live"].engine.prices
        last = price[instrument.name]
        levels = range(1, 6)
        return {
            "data": {
                "bids": [{"price": bare(last - n), "quantity": 10} for n in levels],
                "asks": [{"price": bare(last + n), "quantity": 10} for n in levels],
                "totalbuyqty": 50,
                "totalsellqty": 50,
                "ltq": 1,
                **{k: quote[k] for k in "ltp oi open high low prev_close volume".split()},
            }
        }

    def call_history(self, values):
        instrument = self.quoted(values)
        try:
            first = datetime.strptime(values["start_date"], "%Y-%m-%d").replace(tzinfo=IST)
            last = datetime.strptime(values["end_date"], "%Y-%m-%d").replace(tzinfo=IST)
        except ValueError:
            raise Refused(400, "Invalid date format. Use YYYY-MM-DD") from None
        interval = PAST_INTERVALS.get(values["interval"])
        if interval is None:
            raise Refused(400, f"Interval {values['interval']} is not supported by the broker")
        start = int(first.timestamp() * 1000)
        end = int((last + timedelta(days=1)).timestamp() * 1000) - 1
        rows = self.pasts[instrument.name].klines(interval, start, end, 100_000, self.clock())
        always = not self.settings["sessions"]
        bars = map(bar_of, rows)
        return {"data": [b for b in bars if always or in_session(instrument, b, interval)]}

    def call_intervals(self, _):
        return {
            "data": {
                "seconds": [],
                "minutes": ["1m", "3m", "5m", "15m", "30m"],
                "hours": ["1h"],
                "days": ["D"],
                "weeks": [],
                "months": [],
            }
        }

    def call_symbol(self, values):
        found = self.instruments.get(f"{values['exchange']}:{values['symbol']}")
        if found is None:
            text = f"Symbol {values['symbol']} not found in exchange {values['exchange']}"
            raise Refused(404, text)
        return {"data": found.row()}

    def call_search(self, values):
        rows = []
        for instrument in self.instruments.values():
            wanted = values["exchange"] in (None, instrument.exchange)
            if wanted and values["query"].upper() in instrument.symbol:
                row = instrument.row()
                row.pop("id")
                rows.append(row)
        if not rows:
            raise Refused(404, "No matching symbols found")
        return {"data": rows, "message": f"Found {len(rows)} matching symbols"}

    def call_expiry(self, values):
        found = [
            i
            for i in self.instruments.values()
            if i.exchange == values["exchange"] and i.base == values["symbol"] and i.expiry
        ]
        dates = {datetime.strptime(i.expiry, "%d-%b-%y"): i.expiry for i in found}
        text = f"Found {len(dates)} expiry dates for {values['symbol']} in {values['exchange']}"
        return {"data": [dates[day] for day in sorted(dates)], "message": text}

    def call_ping(self, _):
        return {"data": {"broker": "simbroker", "message": "pong"}}

    def told_mode(self):
        analyze = not self.live
        mode = self.settings["mode"]
        return {"analyze_mode": analyze, "mode": mode, "total_logs": self.toggles}

    def call_analyzer(self, _):
        return {"data": self.told_mode()}

    def call_analyzer_toggle(self, values):
        self.settings["mode"] = "analyze" if values["mode"] else "live"
        told = self.told_mode()
        return {"data": dict(told, message=f"Analyzer mode switched to {told['mode']}")}


def bar_of(row):
    values = [Decimal(text) for text in row[1:6]]
    names = ("open", "high", "low", "close")
    told = {name: bare(value) for name, value in zip(names, values)}
    return dict(told, timestamp=row[0] // 1000, volume=int(values[4]), oi=0)


def in_session(instrument, bar, interval):
    when = datetime.fromtimestamp(bar["timestamp"], IST)
    first, last = SESSIONS.get(instrument.exchange, (0, 1440))
    minute = when.hour * 60 + when.minute
    return when.weekday() < 5 and (interval == "1d" or first <= minute < last)
