"""Rolling at a broker: each leg goes to its own contract, and the venue's book says so."""
import time
from decimal import Decimal as D

from harness import Host, default_config, main, request, until
from openalgo_rig import OpenAlgo, broker_settings, enter

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
        broker=broker_settings(venue, absence="2s"),
        strategies=[{"name": "plain", **({"protect": "broker"} if protect else {})}],
        staleness={"entry_max_age": "30d"},
        **changes,
    )
    host.write_strategy("plain", ROLLING)
    return value


def rolling(venue, rolls=True, **changes):
    host = Host(env={"OPENALGO_KEY": venue.api_key})
    host.write_config(config(host, venue, **changes))
    set_rolling(host, rolls)
    return host


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


# ---- when a leg comes to nothing ----------------------------------------------------------------


def test_118_the_far_leg_is_refused_and_the_near_one_put_back():
    with listing() as venue, rolling(venue) as host:
        venue.fault("reject", path="/api/v1/placeorder", contains=FAR, times=0)
        enter(host)
        until(lambda: events(host, "rollover.failed"), 20, "its end")
        until(lambda: held(venue) == {NEAR: 70}, 10, "put back")
        assert traded(venue) == ROLLED[:2] + [("BUY", NEAR, 70)], traded(venue)
        later(venue, host)
        assert len(traded(venue)) == 3, "it is not tried for ever"


def test_the_near_leg_is_refused_and_nothing_has_happened():
    with listing() as venue, rolling(venue) as host:
        venue.fault("reject", path="/api/v1/placeorder", contains="SELL", times=0)
        enter(host)
        until(lambda: events(host, "rollover.failed"), 20, "its end")
        assert held(venue) == {NEAR: 70} and traded(venue) == ROLLED[:1], traded(venue)
        later(venue, host)
        assert len(events(host, "rollover.begun")) == 1, "it is not tried for ever"
        venue.calm()
        position = host.get("/api/positions?status=open").json()[0]["id"]
        assert host.cli("rollover", "retry", "nonsense", "--reason", "x").code == 1
        done = host.cli("rollover", "retry", position, "--reason", "the broker is well again")
        assert done.code == 0, done
        until(lambda: held(venue) == {FAR: 70}, 20, "the far contract")
        until(lambda: events(host, "rollover.done"), 10, "its end")
        assert traded(venue) == ROLLED, traded(venue)


def later(venue, host):
    """Its strategies have been asked about rolling a few more times: each 300 ms."""
    end = time.monotonic() + 1.5
    until(lambda: time.monotonic() > end, 5, "later")
    assert host.running() and venue.book()


# ---- a stop at the broker ------------------------------------------------------------------------


def stops(venue):
    return [
        (o["symbol"].split(":")[-1], D(o["quantity"]), D(o["stop"]))
        for o in venue.book()["orders"]
        if o["type"] in ("SL", "SL-M") and o["status"] in ("NEW", "TRIGGER", "PARTIALLY_FILLED")
    ]


def test_the_protective_stop_gives_way_and_stands_again_in_the_far_contract():
    with listing() as venue, rolling(venue, protect=True) as host:
        venue.fault("late", path="/api/v1/cancelorder", seconds=0.5)
        enter(host)
        until(lambda: held(venue) == {FAR: 70}, 30, "the far contract")
        until(lambda: stops(venue) == [(FAR, D(70), D("58200"))], 20, f"its stop: {stops(venue)}")
        assert traded(venue) == ROLLED, traded(venue)
        book = venue.book()["orders"]
        for stop in (o for o in book if o["type"] in ("SL", "SL-M") and o["status"] == "CANCELED"):
            closing = next(o for o in book if o["side"] == "SELL" and o["type"] == "MARKET")
            assert stop["updated_ms"] <= closing["created_ms"], "both stood at once"
        venue.price(FAR, "58100")
        until(lambda: held(venue) == {}, 20, "stopped out")
        until(lambda: not host.get("/api/positions?status=open,closing,partial").json(), 20, "here")


# ---- killed in each stage ------------------------------------------------------------------------

# Which request of the story is on its way when the host dies; whether the venue had applied it.
STAGES = [(SELL, applied) for SELL in ((NEAR, "SELL"), (FAR, "BUY")) for applied in (True, False)]


def waiting(venue, symbol, side):
    """The leg has reached the venue and is not answered."""
    return [
        r
        for r in venue.requests(path="/api/v1/placeorder")
        if symbol in r["body"] and side in r["body"] and r["fault"]
    ]


def hold(venue, symbol, applied):
    if applied:
        venue.fault("late", path="/api/v1/placeorder", contains=symbol, nth=1, seconds=8)
    else:
        venue.fault("never", path="/api/v1/placeorder", contains=symbol, nth=1)


def settled(venue, hosts):
    """What is held is in one contract, once, and both books say so."""

    def agrees():
        host = next(h for h in hosts if h.running())
        if request(host.port, "GET", "/readyz").status != 200:
            return False
        rows = host.get("/api/positions?status=open,closing,partial").json()
        ours = {}
        for row in rows:
            symbol = SYMBOLS[DATES.index(row["expiry"])]
            ours[symbol] = ours.get(symbol, 0) + D(row["quantity"]) * 35
        busy = [
            o
            for o in host.get("/api/orders?limit=100").json()
            if o["state"] not in ("filled", "cancelled", "rejected", "expired")
            and not o["protective"]
        ]
        done = events(host, "rollover.done") or events(host, "rollover.failed")
        return done and not busy and ours == held(venue) and ours in ({FAR: 70}, {NEAR: 70})

    until(agrees, 60, f"one contract: {held(venue)}, {traded(venue)}")
    orders = traded(venue)
    assert orders.count(("SELL", NEAR, 70)) <= 1, orders
    assert orders.count(("BUY", FAR, 70)) <= 1, orders
    assert len(orders) <= 4, orders


def reach(venue, hosts, stage):
    """The rollover has come to this stage."""
    (symbol, side), applied = stage
    enter(hosts[0])
    until(lambda: held(venue) == {NEAR: 70}, 20, "the entry")
    hold(venue, symbol, applied)
    for host in hosts:
        set_rolling(host, True)
    until(lambda: waiting(venue, symbol, side), 30, f"{side} {symbol} on its way")


ROLLS_NOT = ROLLING.replace("p.days_left < 20", "p.days_left < 0").replace('"1"', '"0"')


def set_rolling(host, rolls):
    host.write_strategy("plain", ROLLING if rolls else ROLLS_NOT)


def test_killed_in_each_stage_and_started_again():
    for stage in STAGES:
        with listing() as venue, rolling(venue, rolls=False) as host:
            reach(venue, [host], stage)
            host.kill()
            host.start(deadline_s=30)
            settled(venue, [host])
            if stage == STAGES[2]:  # the far leg stands there: it is found
                assert traded(venue) == ROLLED, (stage, traded(venue))
            assert host.stop() == 0 and host.cli("verify").code == 0, stage


if __name__ == "__main__":
    main(limit_s=200)
