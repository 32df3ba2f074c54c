"""The WebSocket half: authentication, market data by mode, order updates of the whole account."""
import asyncio
import json

from wire import Answer, Server, WebSocket, now_ms

from openalgo.books import STATUS, bare

MODES = {1: 1, 2: 2, 3: 3, "1": 1, "2": 2, "3": 3, "ltp": 1, "quote": 2, "depth": 3}
NAMES = {1: "LTP", 2: "Quote", 3: "Depth"}
BROKER = "simbroker"


class Feed:
    def __init__(self, desk):
        self.desk = desk
        self.server = Server(self.handle, desk.settings)

    async def handle(self, request):
        if not request.wants_websocket:
            return Answer(426, "", kind="text/plain")
        self.desk.judge.note("GET", request.path, request.query, request.headers, "")
        async with WebSocket(request, "feed") as ws:
            ws.known, ws.wanted, ws.orders = False, {}, False
            late = asyncio.get_running_loop().call_later(
                self.desk.settings["auth_s"], self.give_up, ws
            )
            while (text := await ws.receive()) is not None:
                self.desk.judge.note("WS", request.path, "", [], text)
                self.obey(ws, text)
            late.cancel()
        return None

    @staticmethod
    def give_up(ws):
        if ws.open and not ws.known:
            ws.close(4401, "auth timeout")

    # ---- messages ----------------------------------------------------------------------------

    def obey(self, ws, text):
        try:
            given = json.loads(text)
            if not isinstance(given, dict):
                raise ValueError
        except ValueError:
            self.refuse(ws, "INVALID_JSON", "Invalid JSON message")
            return
        action = given.get("action") or given.get("type")
        if action in ("authenticate", "auth"):
            self.authenticate(ws, given)
            return
        call = getattr(self, "on_" + str(action), None)
        if call is None:
            self.refuse(ws, "INVALID_ACTION", f"Invalid action: {action}")
        elif not ws.known and action != "ping":
            self.refuse(ws, "NOT_AUTHENTICATED", "You must authenticate first")
        else:
            told = call(ws, given)
            if told is not None:
                if "request_id" in given:
                    told["request_id"] = given["request_id"]
                ws.send(told)

    @staticmethod
    def refuse(ws, code, message):
        ws.send({"status": "error", "code": code, "message": message})

    def authenticate(self, ws, given):
        key = given.get("api_key") or given.get("apikey")
        if not key:
            self.refuse(ws, "AUTHENTICATION_ERROR", "API key is required")
        elif key != self.desk.options.apikey or self.desk.settings["expired"]:
            self.refuse(ws, "AUTHENTICATION_ERROR", "Invalid API key")
        else:
            ws.known = True
            ws.send(
                {
                    "type": "auth",
                    "status": "success",
                    "message": "Authentication successful",
                    "broker": BROKER,
                    "user_id": "tester",
                    "supported_features": {"ltp": True, "quote": True, "depth": True},
                }
            )

    @staticmethod
    def asked(given):
        many = given.get("symbols")
        if many is None and given.get("symbol") and given.get("exchange"):
            many = [{"symbol": given["symbol"], "exchange": given["exchange"]}]
        return many or []

    def mode(self, ws, given):
        mode = given.get("mode", 2)
        found = MODES.get(mode.lower() if isinstance(mode, str) else mode)
        if found is None:
            text = f"Invalid mode {mode}; expected 1 (LTP), 2 (Quote), or 3 (Depth)"
            self.refuse(ws, "INVALID_MODE", text)
        return found

    def on_subscribe(self, ws, given):
        asked = self.asked(given)
        if not asked:
            self.refuse(ws, "INVALID_PARAMETERS", "At least one symbol must be specified")
            return None
        mode = self.mode(ws, given)
        if mode is None:
            return None
        rows, found = [], []
        for one in asked:
            symbol, exchange = one.get("symbol"), one.get("exchange")
            row = {"symbol": symbol, "exchange": exchange}
            instrument = self.desk.instruments.get(f"{exchange}:{symbol}")
            if instrument is None:
                text = f"Symbol {symbol} not found for exchange {exchange}"
                row.update(status="error", message=text, broker=BROKER)
            else:
                depth = given.get("depth", 5)
                row.update(status="success", mode=NAMES[mode], depth=depth, broker=BROKER)
                ws.wanted[instrument.name, mode] = instrument
                found.append(instrument)
            rows.append(row)
        for instrument in found:  # a first tick, after the answer
            asyncio.get_running_loop().call_soon(self.tick, instrument, ws)
        return {
            "type": "subscribe",
            "status": "success" if len(found) == len(asked) else "partial",
            "subscriptions": rows,
            "message": "Subscription processing complete",
            "broker": BROKER,
        }

    def on_unsubscribe(self, ws, given):
        done, failed = [], []
        for one in self.asked(given):
            symbol, exchange = one.get("symbol"), one.get("exchange")
            mode = MODES.get(one.get("mode", given.get("mode", 2)))
            row = {"symbol": symbol, "exchange": exchange, "broker": BROKER}
            if ws.wanted.pop((f"{exchange}:{symbol}", mode), None):
                done.append(dict(row, status="success"))
            else:
                failed.append(dict(row, status="error", message="Not subscribed"))
        return self.unsubscribed(done, failed)

    def on_unsubscribe_all(self, ws, _):
        done = [
            {"symbol": i.symbol, "exchange": i.exchange, "status": "success", "broker": BROKER}
            for i in ws.wanted.values()
        ]
        ws.wanted.clear()
        return self.unsubscribed(done, [])

    @staticmethod
    def unsubscribed(done, failed):
        status = "success" if not failed else "partial" if done else "error"
        return {
            "type": "unsubscribe",
            "status": status,
            "message": "Unsubscription processing complete",
            "successful": done,
            "failed": failed,
            "broker": BROKER,
        }

    def on_subscribe_orders(self, ws, _):
        ws.orders = True
        text = "Subscribed to order updates"
        return {"type": "subscribe_orders", "status": "success", "message": text}

    def on_unsubscribe_orders(self, ws, _):
        ws.orders = False
        text = "Unsubscribed from order updates"
        return {"type": "unsubscribe_orders", "status": "success", "message": text}

    @staticmethod
    def on_ping(_, given):
        told = {"type": "pong", "status": "success", "server_timestamp": now_ms()}
        return dict(told, client_timestamp=given.get("timestamp"))

    @staticmethod
    def on_get_broker_info(*_):
        return {
            "type": "broker_info",
            "status": "success",
            "broker": BROKER,
            "adapter_status": "connected",
            "user_id": "tester",
        }

    @staticmethod
    def on_get_supported_brokers(*_):
        return {"type": "supported_brokers", "status": "success", "brokers": [BROKER], "count": 1}

    # ---- what is told ------------------------------------------------------------------------

    def tick(self, instrument, only=None):
        for ws in [only] if only else list(self.server.sockets):
            for mode in (1, 2, 3):
                if (instrument.name, mode) in ws.wanted:
                    ws.send(self.tick_of(instrument, mode))

    def tick_of(self, instrument, mode):
        quote, now = self.desk.quote_of(instrument), self.desk.clock()
        data = {
            "symbol": instrument.symbol,
            "exchange": instrument.exchange,
            "ltp": quote["ltp"],
            "ltt": now,
            "timestamp": now,
        }
        if mode > 1:
            data.update({name: quote[name] for name in ("open", "high", "low", "volume")})
            data["close"] = quote["prev_close"]
        if mode > 2:
            data["depth"] = {
                "buy": [{"price": quote["bid"], "quantity": 5, "orders": 1}],
                "sell": [{"price": quote["ask"], "quantity": 6, "orders": 2}],
            }
        return {
            "type": "market_data",
            "symbol": instrument.symbol,
            "exchange": instrument.exchange,
            "mode": mode,
            "data": data,
            "broker": BROKER,
        }

    @staticmethod
    def order_update(account, order):
        exchange, symbol = order.symbol.split(":", 1)
        return {
            "type": "order_update",
            "user_id": "tester",
            "mode": account.mode,
            "broker": BROKER,
            "orderid": str(order.id),
            "symbol": symbol,
            "exchange": exchange,
            "action": order.side,
            "quantity": bare(order.quantity),
            "price": bare(order.price or 0),
            "trigger_price": bare(order.stop or 0),
            "pricetype": order.kind,
            "product": order.extra["product"],
            "order_status": STATUS[order.status],
            "filled_quantity": bare(order.filled),
            "pending_quantity": bare(order.left if order.is_open else 0),
            "average_price": bare(order.average),
            "rejection_reason": order.reason,
        }

    @staticmethod
    def is_fill(event):
        return event["filled_quantity"] > 0

    def send_order(self, event):
        for ws in list(self.server.sockets):
            if ws.orders:
                ws.send(event)
