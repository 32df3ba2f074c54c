#!/usr/bin/env python3
"""Rounds of entries and exits while the simulated exchange misbehaves at random; after each the
books must agree: at most one order a leg, no quantity lost. And bars of a live stream, by minutes.

    ROUNDS=1000 SEED=1 tests/soak/test_binance.py
"""
import itertools
import os
import random
import sys
from decimal import Decimal as D

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import Host, default_config, main, now_iso, until  # noqa: E402
from test_binance import (
    INSTRUMENT,
    ORDER,
    Binance,
    enter,
    held,
    orders,
    start,
    streaming,
)  # noqa: E402

ROUNDS, SEED = int(os.environ.get("ROUNDS", "1000")), int(os.environ.get("SEED", "1"))
UNSEEN = (
    "accept_then_drop",
    "accept_then_reset",
    "truncated",
    "error_1000",
    "error_1006",
    "error_1007",
    "html_500",
    "html_502",
    "html_504",
    "unknown_503",
    "timeout_408",
    "garbage",
)
NOTHING = (
    "drop_before",
    "reset_before",
    "rate_429",
    "ban_418",
    "error_1015",
    "error_1021",
    "waf_403",
    "error_1008",
    "error_1016",
)
STREAM = ("skip_events", "duplicate_fills", "shuffle_events")


def weather(chance, venue):
    """Hurts the next requests, and says how."""
    told = []
    for _ in range(chance.randrange(3)):
        action = chance.choice(UNSEEN + NOTHING)
        path = chance.choice((ORDER, "/api/v3/myTrades", "/api/v3/time"))
        nth = chance.choice((1, 1, 2))
        venue.fault(action, path=path, nth=nth, retry_after=1)
        told.append(f"{action} {path} {nth}")
    if chance.random() < 0.4:
        setting = {chance.choice(STREAM): chance.randrange(1, 4)}
        venue.set(**setting)
        told.append(str(setting))
    if chance.random() < 0.2:
        venue.set(skew_ms=chance.randrange(-5000, 5000))
        told.append("skew")
    if chance.random() < 0.2:
        venue.cut(how=chance.choice(("reset", "close")))
        told.append("cut")
    venue.set(pieces=chance.randrange(1, 4), query_lag_ms=chance.choice((0, 0, 800)))
    return told


def net(venue):
    trades = venue.book()["trades"]
    return sum((D(t["quantity"]) * (1 if t["side"] == "BUY" else -1) for t in trades), D(0))


def judge(venue, host):
    """Nothing is under way, and both books hold the same."""
    final = ("filled", "cancelled", "rejected", "expired")
    return all(o["state"] in final for o in orders(host)) and held(host) == net(venue)


def play(chance, venue, host, number):
    told = weather(chance, venue)
    kind, fields = ("EXIT", {"price": None, "stop": None, "quantity": None})
    position = "ALL"
    if held(host) == 0:
        kind, fields, position = (
            "BASE_ENTRY",
            {"quantity": "0.0%d" % chance.randrange(1, 9)},
            "Long_1",
        )
    enter(host, position, type=kind, timestamp=now_iso(-(number % 25)), **fields)
    if chance.random() < 0.1:
        host.restart()
        told.append("kill -9")
    try:
        until(lambda: judge(venue, host), 60)
    except AssertionError:
        raise AssertionError(
            f"round {number} {told}: {held(host)} here, {net(venue)} there; "
            f"{[(o['id'], o['state'], o['reason']) for o in orders(host)][:3]}"
        )
    venue.calm()
    venue.set(skip_events=0, duplicate_fills=0, shuffle_events=0)
    ids = [order["client_id"] for order in venue.orders()]
    assert len(ids) == len(set(ids)), f"round {number} {told}: an order stands twice"


def test_random_weather():
    chance = random.Random(SEED)
    with Binance(seed=SEED) as venue:
        venue.price("BTCUSDT", "50000")
        rules = {"recv_window": "1s", "processing": "1s"}
        with start(venue, start=False, broker=rules, staleness={"entry_max_age": "1d"}) as host:
            streaming(host)
            for number in range(ROUNDS):
                play(chance, venue, host, number)


BAR_STRATEGY = """return {
    name = "plain", version = "1", instruments = "*",
    gates = {{name = "always", check = function() return true end}},
    size = function() return {quantity = decimal("0.01"), limited_by = "test"} end,
    on_bar = function(bar)
        return {{type = "BASE_ENTRY", position = "Long_1", side = "LONG", stop = bar.close - 100,
                 note = "a bar"}}
    end,
}"""


def test_live_bars_are_one_a_minute():
    with Binance(seed=3) as venue:
        host = Host()
        feed = {
            "instrument": "BTC",
            "bars": "binance",
            "interval": "1m",
            "warm_up": 3,
            "url": venue.url,
            "stream_url": venue.ws_url,
        }
        config = default_config(host, instruments=[INSTRUMENT], feeds=[feed])
        host.write_strategy("plain", BAR_STRATEGY)
        host.write_config(config)

        def bars():
            return host.get("/api/bars?instrument=BTC").json().get("BTC", [])

        with host:
            until(lambda: len(bars()) >= 3, 20)
            first, ticks = len(bars()), itertools.count()

            def another():
                venue.price("BTCUSDT", str(50000 + next(ticks) % 7))
                return len(bars()) > first + 1

            until(another, 150, "two more bars")
            assert {b[0] - a[0] for a, b in zip(bars(), bars()[1:])} == {60000}, bars()
            until(lambda: "a bar" in host.get("/api/signals?limit=10").text, 10)


if __name__ == "__main__":
    main(limit_s=100000)
