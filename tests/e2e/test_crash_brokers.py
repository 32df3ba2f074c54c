"""kill -9 at any step of an order's life, a rollover and a comparison of the books, with a venue on
the other side: at the n-th write, flush, send or receive of the host. Then a start, and the venue's
own book says what was done: nothing twice, nothing lost, and ours says the same.

POINTS=n takes that many points of each story instead of the few of a test run.
"""
import os
import random
import shutil
import subprocess
import sys
from decimal import Decimal as D

import test_binance as binance
import test_rollover_venue as rollover
from harness import PROGRAM, ROOT, Skip, main, until

sys.path.insert(0, os.path.join(ROOT, "tests", "venues"))
from venue import Binance, BinanceFutures

# A host that strace holds cannot be looked through for leaks.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"

POINTS, SEED = int(os.environ.get("POINTS", "2")), int(os.environ.get("SEED", "1"))
CALLS = {"pwrite64": 40, "fdatasync": 12, "sendto": 24, "recvfrom": 30, "epoll_wait": 40}
FINAL = ("filled", "cancelled", "rejected", "expired")


def points(story):
    """(system call, n), the same for the same seed."""
    every = [(call, n) for call, top in CALLS.items() for n in range(1, top + 1)]
    random.Random(f"{SEED} {story}").shuffle(every)
    return every[:POINTS]


def strace(call, n, *words):
    if not shutil.which("strace"):
        raise Skip("needs strace")
    inject = f"inject={call}:signal=KILL:when={n}"
    return ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject, *words]


def watched(host):
    with open(f"/proc/{host.process.pid}/status", encoding="ascii") as file:
        return "TracerPid:\t0" not in file.read()


class Crash:
    """The host dies at that call of its, or at the end of the block if it never comes so far."""

    def __init__(self, host, call, n):
        self.host, self.words = host, strace(call, n, "-p", str(host.process.pid))

    def __enter__(self):
        self.tracer = subprocess.Popen(self.words, stderr=subprocess.DEVNULL)
        until(lambda: self.dead() or watched(self.host), 15, "strace watching")
        return self

    def dead(self):
        return self.host.process.poll() is not None

    def __exit__(self, kind, error, _):
        if not self.dead():
            self.host.kill()
        self.host.process.wait()
        self.tracer.wait()
        return (
            self.dead() and kind is not None and issubclass(kind, (OSError, EOFError, ValueError))
        )

    def until(self, condition, deadline_s=15):
        """It is so, or the host is dead."""

        def so():
            try:
                return self.dead() or condition()
            except (OSError, EOFError, ValueError):
                return self.dead()

        until(so, deadline_s, "it, or a dead host")


def sound(host, point):
    assert host.stop() == 0, (point, host.log()[-2000:])
    verified = host.cli("verify")
    assert verified.code == 0, (point, verified)


def net(venue):
    trades = venue.book()["trades"]
    return sum((D(t["quantity"]) * (1 if t["side"] == "BUY" else -1) for t in trades), D(0))


def agrees(venue, host):
    """No order twice, none under way, and what is held is what was traded there."""
    book, rows = venue.orders(), binance.orders(host)
    ids = [order["client_id"] for order in book]
    assert len(set(ids)) == len(ids), book
    there = {order["client_id"]: D(order["filled"]) for order in book}
    return (
        all(row["state"] in FINAL for row in rows)
        and binance.held(host) == net(venue)
        and all(D(row["filled"] or 0) == there.get(row["id"], 0) for row in rows)
    )


# ---- the life of an order -----------------------------------------------------------------------


def work_order(point):
    with Binance(seed=1) as venue:
        venue.price("BTCUSDT", "50000")
        settings = {"recv_window": "1s", "processing": "500ms"}
        with binance.start(venue, start=False, broker=settings) as host:
            binance.streaming(host)
            with Crash(host, *point) as crash:
                binance.enter(host)
                crash.until(lambda: binance.held(host) > 0)
                binance.leave(host)
                crash.until(lambda: binance.held(host) == 0)
            host.start(deadline_s=30)
            until(lambda: agrees(venue, host), 30, f"agreement after {point}")
            entries = [o for o in venue.orders() if o["side"] == "BUY"]
            assert len(entries) <= 1, (point, entries)
            if binance.held(host):
                binance.leave(host)
                until(lambda: binance.held(host) == 0 and agrees(venue, host), 30, "out")
            assert net(venue) == 0, point
            sound(host, point)
            host.start(deadline_s=30)


def test_the_life_of_an_order():
    for point in points("work_order"):
        work_order(point)


# ---- rolling ------------------------------------------------------------------------------------


def roll(point, protect):
    with rollover.listing() as venue, rollover.rolling(venue, rolls=False, protect=protect) as host:
        rollover.enter(host)
        until(lambda: rollover.held(venue) == {rollover.NEAR: 70}, 20, "the entry")
        until(lambda: not protect or rollover.stops(venue), 20, "its stop")
        with Crash(host, *point) as crash:
            rollover.set_rolling(host, True)
            crash.until(lambda: rollover.events(host, "rollover.done"), 30)
        host.start(deadline_s=30)
        rollover.settled(venue, [host])
        symbol = list(rollover.held(venue))[0]
        if protect:
            until(
                lambda: [(s, q) for s, q, _ in rollover.stops(venue)] == [(symbol, D(70))],
                30,
                f"one stop after {point}: {rollover.stops(venue)}",
            )
        sound(host, point)
        host.start(deadline_s=30)


def test_rolling():
    for at, point in enumerate(points("roll")):
        roll(point, at % 2 == 1)


# ---- comparing the books ------------------------------------------------------------------------

USES_BROKER = binance.STRATEGY.replace(
    "    size = function(facts)",
    """    reconcile = function(d)
        if d.kind == "quantity_differs" then return "use_broker" end
    end,
    size = function(facts)""",
)


def match_books(point):
    """Killed while it starts and finds that somebody sold a quarter."""
    with BinanceFutures(seed=1) as venue:
        venue.price("BTCUSDT", "50000")
        with binance.start(venue, start=False, broker={"market": "usdm"}) as host:
            binance.streaming(host)
            host.write_strategy("plain", USES_BROKER.replace('"1"', '"2"'))
            binance.enter(host, quantity="0.02")
            until(lambda: binance.held(host) == D("0.02"), 15, "in")
            host.kill()
            venue.foreign_order(symbol="BTCUSDT", side="SELL", quantity="0.005")
            words = [PROGRAM, "run", "--config", host.config_path]
            with open(host.log_path, "ab") as log:
                host.process = subprocess.Popen(
                    strace(*point, "-D", *words),
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    env=host.env,
                )
            crash = Crash(host, *point)
            crash.until(lambda: host.get("/readyz").status == 200, 30)
            if not crash.dead():
                host.kill()
            host.process.wait()
            host.start(deadline_s=30)
            until(lambda: binance.held(host) == D("0.015"), 30, f"theirs after {point}")
            adjusted = host.get("/api/events?kind=reconciliation.adjusted").json()
            assert len(adjusted) == 1, (point, adjusted)
            mine = [o for o in venue.orders() if not o.get("foreign")]
            assert len(mine) == 1, (point, mine)
            sound(host, point)
            host.start(deadline_s=30)


def test_comparing_the_books():
    for point in points("match_books"):
        match_books(point)


if __name__ == "__main__":
    main(limit_s=int(os.environ.get("LIMIT", "150")))
