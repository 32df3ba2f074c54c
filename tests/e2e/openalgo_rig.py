"""What the tests against the simulated OpenAlgo server share: a host that trades there, and the
judge, the venue's own book: at most one order a leg, never a call that acts on the whole account.
"""
import os
import sys
from decimal import Decimal as D

from harness import ROOT, Host, default_config, signal, until

sys.path.insert(0, os.path.join(ROOT, "tests", "venues"))
from venue import OpenAlgo  # noqa: E402

SYMBOL = "BANKNIFTY30DEC25FUT"
ACCOUNT_WIDE = ("cancelallorder", "closeposition", "basketorder", "splitorder", "analyzer/toggle")
STRATEGY = """return {
    name = "plain", version = "1", instruments = "*",
    extra = {order_kind = "text", tif = "text", limit_price = "decimal", stop_price = "decimal"},
    gates = {{name = "always", check = function() return true end}},
    size = function(facts)
        local x = facts.signal.extra
        return {quantity = facts.signal.quantity or 1, kind = x.order_kind, tif = x.tif,
                limit_price = x.limit_price, stop_price = x.stop_price}
    end,
}
"""
INSTRUMENTS = [
    {
        "name": "BANK",
        "exchange": "NFO",
        "symbol": SYMBOL,
        "lot_size": "35",
        "tick": "0.05",
        "point_value": "35",
    },
    {"name": "SBIN", "exchange": "NSE", "product": "CNC", "tick": "0.05"},
]


def broker_settings(venue, **changes):
    return {
        "kind": "openalgo",
        "base_url": venue.url,
        "api_key": "env:OPENALGO_KEY",
        "mode": "live",
        "timeout": "1s",
        "poll": "100ms",
        "absence": "4s",
        **changes,
    }


def tidelock(venue, mode="live", **broker):
    """A host that trades at the venue, not yet started."""
    host = Host(env={"OPENALGO_KEY": venue.api_key})
    host.broker = broker_settings(venue, mode=mode, **{"mode_every": "200ms", **broker})
    configure(host)
    return host


def configure(host, instruments=None, feeds=()):
    config = default_config(
        host,
        feeds=feeds,
        broker=host.broker,
        instruments=instruments or INSTRUMENTS,
        staleness={"entry_max_age": "30d"},
    )
    host.write_strategy("plain", STRATEGY)
    host.write_config(config)


def send(host, *words, wait=True, decided=False, **fields):
    fields = {
        "instrument": "BANK",
        "price": "59000",
        "stop": "58000",
        **fields,
    }
    body = signal(*words, **fields)
    if decided:
        answer = host.decide(body)
    else:
        answer = host.post("/webhook/test" + ("?wait=decision" if wait else ""), body)
    assert answer.status in (200, 202), answer
    return answer.json()


def enter(host, position="Long_1", kind="BASE_ENTRY", **fields):
    return send(host, kind, position, **fields)


def leave(host, position="ALL", **fields):
    return send(host, "EXIT", position, stop=None, atr=None, **fields)


def orders(host, **wanted):
    rows = host.get("/api/orders?limit=1000").json()
    return [r for r in rows if all(r[k] == v for k, v in wanted.items())]


def await_order(host, state, deadline_s=10, **wanted):
    return until(lambda: orders(host, state=state, **wanted), deadline_s, f"an order {state}")[0]


def open_positions(host):
    return host.get("/api/positions?status=open,closing,partial&limit=1000").json()


def later(venue, checks):
    """Until the host has asked for the server's mode so many times more: each 200 ms."""
    path = "/api/v1/analyzer"
    had = len(venue.requests(path=path))
    until(lambda: len(venue.requests(path=path)) >= had + checks, 20, "later")


def ours(venue):
    return [o for o in venue.book()["orders"] if not o.get("foreign")]


def judge(venue, host, placed):
    """The venue's book has so many orders of ours, and what is held is what our rows say."""
    stand = [o for o in ours(venue) if o["status"] != "REJECTED"]
    assert len(stand) == placed, stand
    assert len({o["broker_id"] for o in orders(host) if o["broker_id"]}) >= placed
    for request in venue.requests():
        assert not request["path"].endswith(ACCOUNT_WIDE), request
        assert venue.api_key not in request["query"], request
    assert venue.api_key not in host.log()
    held = {}
    for position in venue.book()["positions"]:
        name = position["symbol"].split(":")[1]
        held[name] = held.get(name, D(0)) + D(position["quantity"])
    for instrument in INSTRUMENTS:
        lots = sum(
            D(p["quantity"]) * (1 if p["side"] == "LONG" else -1)
            for p in open_positions(host)
            if p["instrument"] == instrument["name"]
        )
        symbol = instrument.get("symbol", instrument["name"])
        assert held.get(symbol, 0) == lots * D(instrument.get("lot_size", "1")), (held, lots)
