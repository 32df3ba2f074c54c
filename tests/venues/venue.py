"""Starts simulated venues for tests, and is the judge's hand on them.

    from venue import Binance, BinanceFutures, OpenAlgo

    with Binance(seed=1) as v:
        ...                                  # point the client at v.url and v.ws_url
        v.price("BTCUSDT", "50000")
        v.fault("accept_then_drop", method="POST", path="/api/v3/order")
        v.book()["orders"]                   # the truth

Every venue is a process of its own on free loopback ports. It is ready when the constructor
returns, and it is killed by its pid at the end; should the test die, it ends by itself.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.append(HERE)

from binance.signing import ed25519_public, pem, private_pem, KEY_HEAD  # noqa: E402

ED25519_SEED = hashlib.sha256(b"a pair for tests, worth nothing").digest()
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Venue:
    """What all venues have; `folder` names the program, `words` its options."""

    folder = None

    def __init__(self, words):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, self.folder), "--tied", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the {self.folder} venue did not start: see its stderr above")
        self.ports = json.loads(line)
        self.pid = self.ports["pid"]
        self.port, self.tls = self.ports["port"], "s" if "--tls" in words else ""
        self.url = f"http{self.tls}://127.0.0.1:{self.port}"
        self.control_url = f"http://127.0.0.1:{self.ports['control']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def call(self, verb, path, given=None):
        data = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(self.control_url + path, data, method=verb)
        try:
            with OPENER.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(f"{verb} {path}: {error.read().decode()}") from None

    # ---- the truth ---------------------------------------------------------------------------

    def book(self):
        """{"orders": [], "trades": [], "positions": [], "balances": {}, "prices": {}}, filled."""
        return self.call("GET", "/book")

    def orders(self, **wanted):
        """The orders that have all these values: v.orders(client_id="x", status="NEW")."""
        return [
            order
            for order in self.book()["orders"]
            if all(order.get(name) == value for name, value in wanted.items())
        ]

    def requests(self, since=0, method=None, path=None):
        """Every request as it came: n at_ms method path query headers body status fault."""
        return [
            entry
            for entry in self.call("GET", f"/requests?since={since}")
            if (method or entry["method"]) == entry["method"]
            and (path or entry["path"]) == entry["path"]
        ]

    def events(self, since=0):
        """Every event of the account that was sent (or skipped): n at_ms to event."""
        return self.call("GET", f"/events?since={since}")

    # ---- the weather -------------------------------------------------------------------------

    def fault(self, action, **rule):
        """Hurts requests: path= method= contains= nth= times= probability= and the action's own."""
        return self.call("POST", "/fault", dict(rule, action=action))["id"]

    def faults(self):
        return self.call("GET", "/faults")

    def calm(self):
        """Forgets every rule."""
        self.call("POST", "/calm", {})

    def price(self, symbol, price):
        return self.call("POST", "/price", {"symbol": symbol, "price": str(price)})

    def walk(self, symbol, every_ms, ticks=10):
        """Moves the price at random, from the seed, until every_ms is 0."""
        self.call("POST", "/walk", {"symbol": symbol, "every_ms": every_ms, "ticks": ticks})

    def bar(self, symbol, opened_ms, prices, volume=1, interval="1m"):
        """A closed bar of (open, high, low, close): in the past from now on, and on the streams."""
        given = dict(zip(("open", "high", "low", "close"), map(str, prices)))
        given.update(symbol=symbol, opened_ms=opened_ms, volume=str(volume), interval=interval)
        return self.call("POST", "/bar", given)

    def liquidity(self, symbol, quantity):
        """How much of it can be traded from now on; None for without bound."""
        self.call("POST", "/liquidity", {"symbol": symbol, "quantity": quantity})

    def set(self, **settings):
        return self.call("POST", "/set", settings)

    def certificate(self, name):
        """What a venue started with --tls shows to new connections: name.crt and name.key."""
        self.call("POST", "/certificate", {"certificate": name + ".crt", "key": name + ".key"})

    def foreign_order(self, **order):
        """An order of this account that was placed elsewhere: symbol side quantity [price ...]."""
        return self.call("POST", "/order", order)

    def end(self, order, status="CANCELED", reason=""):
        """The venue ends an open order (its id) by itself."""
        return self.call("POST", "/end", {"id": order, "status": status, "reason": reason})

    def fill(self, order, quantity=None, price=None):
        given = {"id": order}
        given.update({} if quantity is None else {"quantity": str(quantity)})
        given.update({} if price is None else {"price": str(price)})
        return self.call("POST", "/fill", given)

    def cut(self, *kinds, how="reset", code=1001):
        """Cuts WebSockets of these kinds, or all. how: reset close freeze shutdown (Binance)."""
        return self.call("POST", "/cut", {"kinds": kinds or None, "how": how, "code": code})["cut"]


class Binance(Venue):
    """Spot. Keys: testkey (HMAC, secret testsecret) and edkey (Ed25519, PEM in ed25519_pem)."""

    folder, market = "binance", "spot"
    api_key, api_secret = "testkey", "testsecret"
    ed25519_key, ed25519_pem = "edkey", private_pem(ED25519_SEED)

    def __init__(self, seed=1, *words):
        public = pem("PUBLIC KEY", KEY_HEAD + ed25519_public(ED25519_SEED))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(public)
            file.flush()
            keys = ["--hmac", "testkey=testsecret", "--ed25519", f"edkey={file.name}"]
            super().__init__(["--market", self.market, "--seed", str(seed), *keys, *words])
        self.ws_url = f"ws{self.tls}://127.0.0.1:{self.port}"


class BinanceFutures(Binance):
    """USD-M. The same keys; user data by listenKey at ws_url/ws/<key>."""

    market = "usdm"


class OpenAlgo(Venue):
    """REST at url, WebSocket at ws_url. Symbols are "NSE:SBIN" or just "SBIN"."""

    folder, api_key = "openalgo", "testapikey0123456789"

    def __init__(self, seed=1, *words):
        super().__init__(["--seed", str(seed), *words])
        self.ws_url = f"ws{self.tls}://127.0.0.1:{self.ports['ws']}"
