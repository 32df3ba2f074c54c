"""The WebSocket API: requests with ids, sessions by Ed25519, subscriptions to the account."""
import asyncio
import json

from wire import Answer, reset

from binance.floor import Params, Refusal


def payload_of(params):
    """What is signed here: all parameters but the signature, sorted by name, not encoded."""

    def text(value):
        return str(value).lower() if isinstance(value, bool) else str(value)

    names = sorted(name for name in params if name != "signature")
    return "&".join(f"{name}={text(params[name])}" for name in names)


class Session:
    """One connection."""

    def __init__(self, floor, ws):
        self.floor, self.ws, self.key, self.since = floor, ws, None, None
        ws.subscriptions = []
        self.next_subscription = 0
        self.calls = {  # method: (call, weight, security)
            "ping": (lambda p: {}, 1, None),
            "time": (lambda p: {"serverTime": floor.clock()}, 1, None),
            "session.logon": (self.logon, 2, "logon"),
            "session.status": (lambda p: self.status(), 2, None),
            "session.logout": (self.logout, 2, None),
            "session.subscriptions": (
                lambda p: [{"subscriptionId": n} for n in ws.subscriptions],
                2,
                None,
            ),
            "userDataStream.subscribe": (self.subscribe, 2, "session"),
            "userDataStream.subscribe.signature": (self.subscribe, 2, "signed"),
            "userDataStream.unsubscribe": (self.unsubscribe, 2, None),
        }
        for method, http in floor.over_websocket.items():
            call, weight, security = floor.routes[http]
            self.calls[method] = (call, weight, security)

    async def run(self):
        tasks = set()
        while (text := await self.ws.receive()) is not None:
            task = asyncio.create_task(self.one(text))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def one(self, text):
        """Answers one message, by way of the judge, who may hurt it."""
        try:
            given = json.loads(text, parse_float=str)
            number, method = given.get("id"), given.get("method")
            params = given.get("params") or {}
        except (ValueError, AttributeError):
            self.ws.send(
                {"id": None, "status": 400, "error": {"code": -1135, "msg": "Invalid JSON"}}
            )
            return
        floor = self.floor
        entry = floor.judge.note("WS", method or "", "", [], text)
        answer = await floor.judge.guard(entry, lambda: self.answer(method, params))
        if answer.how in ("drop", "reset"):
            reset(self.ws.writer)
        if answer.how in ("drop", "reset", "never"):
            return
        try:
            body = json.loads(answer.body)
        except ValueError:
            self.ws.send_text(answer.body.decode("utf-8", "replace"))
            return
        told = {"id": number, "status": answer.status}
        told["result" if answer.status == 200 else "error"] = body
        if params.get("returnRateLimits", True) is not False:
            told["rateLimits"] = [
                dict(row, count=floor.limits.used("1m", 60)[1])
                for row in floor.rate_limits()
                if row["rateLimitType"] == "REQUEST_WEIGHT"
            ]
        self.ws.send(told)

    def answer(self, method, given):
        found = self.calls.get(method)
        try:
            if found is None:
                raise Refusal(-1121 if method is None else -1020, "Unknown method.")
            call, weight, security = found
            params = Params((k, clean(v)) for k, v in given.items() if v is not None)
            self.floor.limits.weigh(2 if callable(weight) else weight)
            if security:
                self.check(security, given, params)
            return Answer(200, call(params))
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body())

    def check(self, security, given, params):
        """A signature of its own, or the one that opened the session."""
        if security == "session" and self.key is None:
            text = "Session is not authenticated."
            raise Refusal(-2015, text, 401)
        if self.key is not None and "signature" not in given:
            self.floor.check_key(self.key.name)
            if security == "signed":
                self.floor.check_time(params)
            return
        if security == "session":
            return
        key = self.floor.check_key(str(given.get("apiKey", "")))
        if security == "logon" and key.kind == "hmac":
            raise Refusal(-4056, "HMAC_SHA256 API key is not supported.")
        signature = given.get("signature")
        self.floor.check_signature(key, payload_of(given), signature, params, False)

    def logon(self, params):
        self.key, self.since = self.floor.keys[params.get("apiKey")], self.floor.clock()
        return self.status()

    def logout(self, _):
        self.key = self.since = None
        return self.status()

    def status(self):
        return {
            "apiKey": self.key.name if self.key else None,
            "authorizedSince": self.since,
            "connectedSince": self.ws.request.arrived_ms,
            "returnRateLimits": True,
            "serverTime": self.floor.clock(),
            "userDataStream": bool(self.ws.subscriptions),
        }

    def subscribe(self, _):
        if self.ws.subscriptions:
            raise Refusal(-2036, "Subscription already active.")
        number, self.next_subscription = self.next_subscription, self.next_subscription + 1
        self.ws.kind = "user"
        # The events begin after the answer, as one would see them on a real line.
        asyncio.get_running_loop().call_soon(self.ws.subscriptions.append, number)
        return {"subscriptionId": number}

    def unsubscribe(self, params):
        wanted = params.integer("subscriptionId")
        self.ws.subscriptions[:] = [
            n for n in self.ws.subscriptions if wanted is not None and n != wanted
        ]
        return {}


def clean(value):
    return str(value).lower() if isinstance(value, bool) else str(value)
