"""Rows 97 and 99 of the catalogue of faults, below the protocol: a venue that speaks TLS with the
wrong certificates, answers that are packed, broken or far too long.
"""
import gzip
import json
import os
import sys
import tempfile

from harness import ROOT, main, until
from openalgo_rig import OpenAlgo, await_order, judge, orders as orders_there, send, tidelock
from test_binance import (
    ORDER,
    Binance,
    Pair,
    agree,
    enter,
    held,
    leave,
    one_order,
    start,
    streaming,
)

sys.path.insert(0, os.path.join(ROOT, "tests", "venues"))
from certificates import Authority  # noqa: E402


def told_ill(host, word):
    """The host says so at its own door, with the reason."""

    def ill():
        try:
            broker = host.get("/api/status").json()["broker"]
        except (OSError, EOFError):
            return False  # it is starting
        return not broker["ok"] and word in json.dumps(broker)

    until(ill, 40, f"a status that says {word}")


def untrusted(make_bad, word):
    """Trades with the good certificate; with the bad one nothing passes, not even an exit, and it
    is told; with the good one again the exit leaves."""
    with tempfile.TemporaryDirectory() as folder:
        ca = Authority(folder)
        good, bad = ca.issue("good"), make_bad(ca, folder)
        with Pair(Binance(1, "--tls", good), broker={"ca": ca.path}) as (venue, host):
            enter(host)
            agree(venue, host, "0.01", 1)
            venue.certificate(bad)
            had = len(venue.requests())
            host.kill()
            host.start(wait=False)
            told_ill(host, word)
            assert len(venue.requests()) == had, "something was said to an impostor"
            venue.certificate(good)
            until(lambda: host.get("/readyz").status == 200, 40, "ready again")
            leave(host)
            agree(venue, host, "0", 2)
            assert held(host) == 0


def test_99_an_expired_certificate():
    untrusted(lambda ca, _: ca.issue("late", ends="20210101000000Z"), "expired")


def test_99_a_certificate_for_another_host():
    untrusted(lambda ca, _: ca.issue("other", host="DNS:api.elsewhere.test"), "subject name")


def test_99_an_authority_that_is_not_ours():
    untrusted(lambda _, folder: Authority(folder, "mitm").issue("impostor"), "certificate")


def test_99_the_same_at_openalgo():
    with tempfile.TemporaryDirectory() as folder:
        ca = Authority(folder)
        good, late = ca.issue("good"), ca.issue("late", ends="20210101000000Z")
        with OpenAlgo(1, "--tls", good) as venue, tidelock(venue, ca=ca.path) as host:
            send(host)
            await_order(host, "filled")
            venue.certificate(late)
            had = len(venue.requests())
            host.kill()
            host.start(wait=False)
            told_ill(host, "expired")
            assert len(venue.requests()) == had, "something was said to an impostor"
            venue.certificate(good)
            until(lambda: host.get("/readyz").status == 200, 40, "ready again")
            send(host, "PYRAMID", "Long_2")
            until(lambda: len(orders_there(host, state="filled")) == 2, 20, "the second")
            judge(venue, host, 2)


# ---- answers that cannot be read ----------------------------------------------------------------


def unreadable(count=1, **rule):
    """An order whose answer is this stands all the same, and is not sent twice."""
    with Pair() as (venue, host):
        venue.fault("answer", method="POST", path=ORDER, status=200, apply=True, **rule)
        enter(host)
        one_order(host, "filled", 30)
        agree(venue, host, "0.01", 1)
        assert len(venue.requests(method="POST", path=ORDER)) == count


def test_97_an_answer_that_says_it_is_packed_and_is_not():
    unreadable(body='{"orderId": 1}', headers={"Content-Encoding": "gzip"})


def test_97_an_answer_packed_though_nobody_asked():
    packed = gzip.compress(b'{"symbol": "BTCUSDT", "orderId": 1, "status": "REJECTED"}')
    unreadable(hex=packed.hex(), headers={"Content-Encoding": "gzip"})


def test_97_half_of_a_packed_answer():
    packed = gzip.compress(os.urandom(2000))
    unreadable(hex=packed[:700].hex(), headers={"Content-Encoding": "gzip"})


def resident_mb(host):
    with open(f"/proc/{host.process.pid}/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def test_97_an_answer_of_100_mb():
    with Binance(seed=1) as venue, OpenAlgo() as other:
        venue.price("BTCUSDT", "50000")
        with start(venue, start=False) as host, tidelock(other) as second:
            streaming(host)
            hosts = {host: resident_mb(host), second: resident_mb(second)}
            long = {"status": 200, "body": "x" * 1000, "repeat": 100000, "apply": True}
            venue.fault("answer", method="POST", path=ORDER, **long)
            other.fault("answer", path="/api/v1/placeorder", **long)
            enter(host)
            send(second)
            one_order(host, "filled", 30)
            await_order(second, "filled", 20)
            agree(venue, host, "0.01", 1)
            judge(other, second, 1)
            for each, before in hosts.items():
                assert resident_mb(each) < before + 90, (before, resident_mb(each))


if __name__ == "__main__":
    main(limit_s=120)
