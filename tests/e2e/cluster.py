"""Several hosts on one PostgreSQL, one Redis and one exchange, and the judge of what they did.

The judge believes nobody's word: an answer of 2xx is a promise, the exchange's own book says which
orders there were, the tables say what became of each signal, and `tidelock verify` says whether the
log still folds to them.
"""
import collections
import contextlib
import json
import os
import random
import shutil
import sys
import threading
import time
from decimal import Decimal as D

from harness import ROOT, Host, command, default_config, free_port, now_iso, request, until
from net import Port, hub
from servers import Postgres, Redis

sys.path.insert(0, os.path.join(ROOT, "tests", "venues"))
from venue import Binance  # noqa: E402

STRATEGY = """return {
    name = "plain", version = "1", instruments = "*",
    gates = {{name = "always", check = function() return true end}},
    size = function(facts)
        return {quantity = facts.signal.quantity or decimal("0.01"), limited_by = "test",
                stop = facts.signal.stop}
    end,
}
"""
MARKETS = (("BTC", "BTCUSDT", "50000"), ("ETH", "ETHUSDT", "3000"), ("BNB", "BNBUSDT", "600"))
FINAL = ("done", "rejected", "expired", "superseded", "ignored", "dead", "dropped")


def instrument(name, symbol):
    return {
        "name": name,
        "symbol": symbol,
        "tick": "0.01",
        "quantity_step": "0.001",
        "min_quantity": "0.001",
    }


def open_postgres():
    """For every address, not for loopback alone."""
    pg = Postgres()
    rules = os.path.join(pg.folder, "hba.conf")
    with open(rules, "w", encoding="ascii") as file:
        file.write("local all all trust\nhost all all 0.0.0.0/0 trust\n")
    os.chmod(rules, 0o644)
    pg.settings += ["listen_addresses=*", f"hba_file={rules}"]
    return pg


class Cluster:
    """`count` hosts named h0, h1, ... that are ready when the constructor returns. `pg` and `redis`
    may be servers of one's own, not yet entered."""

    def __init__(
        self,
        count=3,
        mode="active_active",
        redis=True,
        dead_after="1500ms",
        start=True,
        net=None,
        pg=None,
        **changes,
    ):
        self.venue = self.redis = self.pg = None
        self.hosts, self.changes, self.mode, self.dead_after = [], changes, mode, dead_after
        self.environment, self.net = {}, net
        try:
            if net:
                os.environ["VENUE_ADDRESS"] = "0.0.0.0"
            self.venue = Binance(1, "--order-limit", "100000", "--weight-limit", "10000000")
            for _, symbol, price in MARKETS:
                self.venue.price(symbol, price)
            os.environ.pop("VENUE_ADDRESS", None)
            self.pg = (pg or (open_postgres() if net else Postgres())).__enter__()
            wide = {"bind": "0.0.0.0", "protected_mode": "no"} if net else {}
            if redis is True:
                redis = Redis(**wide)
            self.redis = redis.__enter__() if redis else None
            for _ in range(count):
                self.hosts.append(self.make_host(len(self.hosts)))
            if start:
                for host in self.hosts:
                    host.start(wait=False)
                for host in self.hosts:
                    host.await_ready(30)
        except BaseException:
            self.close()
            raise

    def make_host(self, index):
        host = Host(env={"BINANCE_KEY": self.venue.ed25519_key, **self.environment})
        if self.net:
            host.node = self.net.node()
            host.prefix, host.port = host.node.prefix, Port(host.port, host.node)
        seen = hub if self.net else str
        secret = os.path.join(host.folder, "secret")
        with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(self.venue.ed25519_pem)
        changes = {
            "mode": self.mode,
            "instance": f"h{index}",
            "store": {"url": seen(self.pg.url), "spool": "{DIR}/spool"},
            "leases": {"ttl": "1s", "dead_after": self.dead_after},
            "broker": {
                "kind": "binance",
                "api_key": "env:BINANCE_KEY",
                "private_key": "file:" + secret,
                "base_url": seen(self.venue.url),
                "ws_url": seen(self.venue.ws_url),
                "recv_window": "2s",
                "processing": "500ms",
            },
            "instruments": [instrument(name, symbol) for name, symbol, _ in MARKETS],
            "sources": [
                {"name": "test", "strategy": "plain", "open": True, "fingerprint": ["alert"]}
            ],
            "account": {"currency": "USDT", "deposit": "1000000"},
        }
        if self.redis:
            changes["redis"] = {"url": seen(self.redis.url)}
        host.write_config(default_config(host, **{**changes, **self.changes}))
        host.write_strategy("plain", STRATEGY)
        return host

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for host in self.hosts:
                print(f"    {host.folder}: the log ends:\n" + host.log()[-2500:])
                if "KEEP" in os.environ:
                    shutil.copy(host.log_path, os.environ["KEEP"] + os.path.basename(host.folder))
        self.close()

    def close(self):
        for host in self.hosts:
            host.clean()
        for server in (self.redis, self.pg, self.venue):
            if server:
                server.__exit__(None, None, None)

    # ---- who is who --------------------------------------------------------------------------

    def living(self):
        return [host for host in self.hosts if host.running()]

    def leader(self, deadline_s=15, but=None):
        """The host that says it leads, once exactly one does."""

        def only():
            leading = [h for h in self.living() if leads(h)]
            return leading[0] if len(leading) == 1 and leading[0] is not but else None

        return until(only, deadline_s, "exactly one leader")

    def term_of(self, host):
        return host.get("/health", timeout_s=2).json()["term"]

    def any_host(self, chance):
        living = self.living()
        return chance.choice(living) if living else None

    # ---- the judge ---------------------------------------------------------------------------

    def rows(self, sql):
        return self.pg.sql(sql)

    def quiet(self, deadline_s=60):
        """Nothing is under way any more: what the last faults left has been worked off."""

        def still():
            return not self.rows(
                "SELECT id, state FROM signals WHERE state IN ('received','retrying','working')"
            ) and not self.rows(
                "SELECT id, state FROM orders WHERE state IN "
                "('intended','sending','sent','unknown','acknowledged','partially_filled')"
            )

        try:
            until(still, deadline_s, "every signal and order is final")
        except AssertionError:
            self.tell()
            raise

    def tell(self):
        """What was going on, for whoever reads of a failure."""
        for sql in (
            "SELECT * FROM leases",
            "SELECT term, name, state, reason FROM instances ORDER BY term DESC LIMIT 5",
            "SELECT seq, at, kind, subject, instance FROM events ORDER BY seq DESC LIMIT 8",
            "SELECT pid, application_name, state, wait_event, now() - xact_start, query"
            " FROM pg_stat_activity WHERE xact_start IS NOT NULL",
        ):
            print("    " + "\n    ".join(map(str, self.rows(sql))))
        print(f"    unfinished: {self.unfinished()}")
        for host in self.living():
            print("   ", host.get("/health").text[:1500])
            print("   ", host.get("/api/flows").text[:1500])

    def unfinished(self):
        return self.rows(
            "SELECT id, instrument, state, reason FROM signals "
            "WHERE state IN ('received','retrying','working') "
            "UNION ALL SELECT id, instrument, state, reason FROM orders "
            "WHERE state IN ('intended','sending','sent','unknown')"
        )[:10]

    def check_compared(self):
        """Whoever took over a key compared the books before the first order that adds risk."""
        owner, compared, inherited, orders = {}, {}, {}, 0
        for seq, kind, term, body in self.rows(
            "SELECT seq, kind, term, body FROM events WHERE kind IN "
            "('reconciliation.done', 'signal.decided') OR kind LIKE 'lease.%' ORDER BY seq"
        ):
            if kind == "reconciliation.done":
                compared[term] = int(seq)
            for change in json.loads(body)["changes"]:
                row = change.get("set", {})
                if change["t"] == "leases" and row.get("term"):
                    if owner.get(change["k"], row["term"]) != row["term"]:
                        inherited[change["k"]] = int(seq)
                    owner[change["k"]] = row["term"]
                if change["t"] != "orders" or "instrument" not in row or row.get("reduces"):
                    continue
                one = self.mode == "active_active"
                key = f"instrument:{row['instrument']}" if one else "leader"
                orders += 1
                assert compared.get(term, 0) >= inherited.get(key, 0), (seq, key, term, body)
        assert orders, "no entry was ordered at all"

    def judge(self, sender, deadline_s=60):
        """Every promise was kept, no order stands twice, ours is what the exchange has."""
        self.quiet(deadline_s)
        lost = []

        def kept():
            """What waited in a spool needs its moment to be drained."""
            known = {row[0]: row[1] for row in self.rows("SELECT id, state FROM signals")}
            lost[:] = [ident for ident in sender.promised if known.get(ident) not in FINAL]
            return not lost

        with contextlib.suppress(AssertionError):
            until(kept, deadline_s)
        if lost:
            self.tell()
        assert not lost, f"{len(lost)} promised signals are not final: {lost[:5]}"
        book = self.venue.book()
        ids = collections.Counter(order["client_id"] for order in book["orders"])
        doubled = [ident for ident, count in ids.items() if count > 1]
        assert not doubled, f"orders that stand twice: {doubled[:5]}"
        ours = {row[0]: row for row in self.rows("SELECT id, state, filled, side FROM orders")}
        strangers = [ident for ident in ids if ident not in ours]
        assert not strangers, f"orders of which no row tells: {strangers[:5]}"
        filled = collections.Counter()
        client = {order["id"]: order["client_id"] for order in book["orders"]}
        for trade in book["trades"]:
            filled[client[trade["order"]]] += D(str(trade["quantity"]))
        for ident, row in ours.items():
            assert D(row[2] or "0") == filled[ident], (ident, row, filled[ident])
        self.check_compared()
        result = command("verify", "--config", self.hosts[0].config_path, env=self.hosts[0].env)
        assert result.code == 0, result


def leads(host):
    try:
        return host.get("/health", timeout_s=2).json().get("is_leader") is True
    except (OSError, EOFError, ValueError):
        return False


class Sender:
    """Charts: signals to random living hosts from several threads; a 5xx or a cut connection is
    sent again as TradingView does, to whoever lives then. `promised` are the ids answered with 2xx.
    """

    def __init__(self, cluster, seed=1, threads=6, exits=0.15, pause_s=0.02, timeout_s=2):
        self.cluster, self.exits, self.pause_s = cluster, exits, pause_s
        self.timeout_s = timeout_s
        self.promised, self.answers, self.late = set(), collections.Counter(), []
        self.stopping, self.serial = threading.Event(), 0
        self.lock = threading.Lock()
        self.threads = [
            threading.Thread(target=self.work, args=(random.Random(seed * 1000 + n),), daemon=True)
            for n in range(threads)
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def await_promises(self, more, deadline_s=60):
        """So many more signals have been promised: life goes on."""
        goal = len(self.promised) + more
        until(lambda: len(self.promised) >= goal, deadline_s, f"{more} more promises")

    def make(self, chance):
        with self.lock:
            self.serial += 1
            serial = self.serial
        name, _, price = chance.choice(MARKETS)
        body = {
            "strategy": "plain",
            "instrument": name,
            "timestamp": now_iso(),
            "alert": serial,
        }
        if chance.random() < self.exits:
            return dict(body, type="EXIT", position="ALL")
        kind = chance.choice(("BASE_ENTRY", "PYRAMID"))
        layer = 1 if kind == "BASE_ENTRY" else chance.randint(2, 6)
        stop = str(D(price) * D("0.98"))
        return dict(
            body, type=kind, position=f"Long_{layer}", price=price, stop=stop, quantity="0.01"
        )

    def work(self, chance):
        while not self.stopping.wait(self.pause_s):
            self.send(self.make(chance), chance)

    def send(self, body, chance, tries=5):
        for _ in range(tries):
            host = self.cluster.any_host(chance)
            answer = None
            if host:
                try:
                    began = time.monotonic()
                    text, patience = json.dumps(body), self.timeout_s
                    answer = request(host.port, "POST", "/webhook/test", text, None, patience)
                    self.late.append(time.monotonic() - began)
                except (OSError, EOFError, ValueError, IndexError):
                    pass
            with self.lock:
                self.answers[answer.status if answer else "cut"] += 1
                if answer and 200 <= answer.status < 300:
                    self.promised.add(answer.json()["id"])
                    return True
            if answer and answer.status < 500 and answer.status != 429:
                return False
            if self.stopping.wait(0.05):
                return False
        return False


__all__ = ["Cluster", "Sender", "MARKETS", "leads", "free_port"]
