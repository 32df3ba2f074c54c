"""Rolling at a broker: each leg goes to its own contract, and the venue's book says so."""
import time
from decimal import Decimal as D

from harness import Host, default_config, main, signal, until
from openalgo_rig import OpenAlgo

ROLLING = """
return {
    name = "plain", version = "1", instruments = "*",
    gates = {{name = "always", check = function() return true end}},
    size = function(f)
        return { quantity = f.signal.quantity or 2, stop = f.signal.stop }
    end,
    rollover = function(p, f)
        if p.far_failed then return { put_back = true } end
        if p.days_left < 20 then return { now = true, reason = "it expires" } end
    end,
}
"""
DAYS = [time.gmtime(time.time() + ahead * 86400) for ahead in (5, 40, 75)]
DATES = [time.strftime("%Y-%m-%d", day) for day in DAYS]
SYMBOLS = ["BANKNIFTY" + time.strftime("%d%b%y", day).upper() + "FUT" for day in DAYS]
NEAR, FAR = SYMBOLS[:2]
BANK = {
    "name": "BANK",
    "exchange": "NFO",
    "symbol": "BANKNIFTY{DD}{MMM}{YY}FUT",
    "expiries": ", ".join(DATES),
    "lot_size": "35",
    "tick": "0.05",
    "point_value": "35",
}


def listing():
    """A venue where the three contracts are traded."""
    venue = OpenAlgo(1, "--order-rate", "0", "--api-rate", "0")
    for nth, symbol in enumerate(SYMBOLS):
        venue.set(
            instrument={
                "exchange": "NFO",
                "symbol": symbol,
                "price": 59000 + 200 * nth,
                "lot": 35,
                "kind": "FUT",
                "name": "BANKNIFTY",
            }
        )
        venue.price(symbol, str(59000 + 200 * nth))
    return venue


def config(host, venue, protect=False, **changes):
    value = default_config(
        host,
        instruments=[BANK],
        rollover={"every": "300ms"},
        broker={
            "kind": "openalgo",
            "base_url": venue.url,
            "api_key": "env:OPENALGO_KEY",
            "mode": "live",
            "timeout": "1s",
            "poll": "100ms",
            "absence": "4s",
        },
        strategies=[{"name": "plain", **({"protect": "broker"} if protect else {})}],
        staleness={"entry_max_age": "30d"},
        **changes,
    )
    host.write_strategy("plain", ROLLING)
    return value


def rolling(venue, **changes):
    host = Host(env={"OPENALGO_KEY": venue.api_key})
    host.write_config(config(host, venue, **changes))
    return host


def enter(host, position="Long_1", kind="BASE_ENTRY", **fields):
    fields = {"instrument": "BANK", "price": "59000", "stop": "58000", **fields}
    answer = host.post("/webhook/test?wait=decision", signal(kind, position, **fields))
    assert answer.status in (200, 202), answer


def held(venue):
    rows = {p["symbol"]: D(p["quantity"]) for p in venue.book()["positions"]}
    return {name.split(":")[-1]: lots for name, lots in rows.items() if lots}


def traded(venue):
    """(side, symbol, units) of every order of ours that was not refused, in order."""
    return [
        (o["side"], o["symbol"].split(":")[-1], D(o["quantity"]))
        for o in venue.book()["orders"]
        if o["status"] != "REJECTED" and o["type"] not in ("SL", "SL-M") and not o.get("foreign")
    ]


ROLLED = [("BUY", NEAR, 70), ("SELL", NEAR, 70), ("BUY", FAR, 70)]


def events(host, kind):
    return [e for e in host.get("/api/events?limit=300").json() if e["kind"] == kind]


def test_each_leg_goes_to_its_own_contract():
    with listing() as venue, rolling(venue) as host:
        enter(host)
        until(lambda: held(venue) == {FAR: 70}, 20, "the far contract")
        until(lambda: events(host, "rollover.done"), 10, "its end")
        assert traded(venue) == ROLLED, traded(venue)
        host.restart()
        last = host.get("/api/reconciliation").json()["last"]
        assert last["complete"] and last["discrepancies"] == [], last
        enter(host, "ALL", "EXIT", price=None, stop=None, atr=None)
        until(lambda: held(venue) == {}, 20, "out")
        assert traded(venue) == ROLLED + [("SELL", FAR, 70)], traded(venue)


if __name__ == "__main__":
    main(limit_s=120)
