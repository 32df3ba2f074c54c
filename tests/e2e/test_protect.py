"""Stops that rest at the broker (strategies[].protect = "broker"): they follow their position, give
way to exits, and stay there whatever happens to the host. The venue's own book is the judge.
"""
import signal as traps
import time
from decimal import Decimal as D

from harness import Host, default_config, main, signal, until
from openalgo_rig import (
    INSTRUMENTS,
    SYMBOL,
    OpenAlgo,
    broker_settings,
    enter,
    leave,
    open_positions,
)
from test_binance import INSTRUMENT, Binance, start, stops as binance_stops

STRATEGY = """return {
    name = "plain", version = "1", instruments = "*",
    gates = {{name = "always", check = function() return true end}},
    size = function(facts) return {quantity = facts.signal.quantity or 1} end,
}
"""


def protected(venue):
    host = Host(env={"OPENALGO_KEY": venue.api_key})
    config = default_config(
        host,
        broker=broker_settings(venue),
        strategies=[{"name": "plain", "protect": "broker"}],
        instruments=INSTRUMENTS[:1],
        staleness={"entry_max_age": "30d"},
    )
    host.write_strategy("plain", STRATEGY)
    host.write_config(config)
    return host


def stops(venue):
    """(side, quantity, trigger) of the stops that rest at the venue."""
    return sorted(
        (o["side"], D(o["quantity"]), D(o["stop"]))
        for o in venue.book()["orders"]
        if o["type"] in ("SL", "SL-M") and o["status"] in ("NEW", "TRIGGER", "PARTIALLY_FILLED")
    )


def await_stops(venue, *wanted):
    rows = sorted(("SELL", D(lots) * 35, D(stop)) for lots, stop in wanted)
    until(lambda: stops(venue) == rows, 15, f"stops {wanted}")


def held(venue):
    return sum((D(p["quantity"]) for p in venue.book()["positions"]), D(0))


def await_flat(venue, host):
    until(lambda: not open_positions(host), 20, "a flat book")
    await_stops(venue)
    assert held(venue) == 0, venue.book()["positions"]


def test_a_stop_is_placed_and_gives_way_to_the_exit():
    with OpenAlgo() as venue, protected(venue) as host:
        enter(host)
        await_stops(venue, (1, "58000"))
        leave(host)
        await_flat(venue, host)
        book = venue.book()["orders"]
        stop, leaving = book[1], book[2]
        assert (stop["status"], leaving["status"]) == ("CANCELED", "FILLED"), book
        assert stop["updated_ms"] <= leaving["created_ms"], book
        assert len(book) == 3, book


def test_each_layer_has_one_and_all_give_way():
    with OpenAlgo() as venue, protected(venue) as host:
        enter(host)
        until(lambda: open_positions(host))
        enter(host, "Long_2", "PYRAMID", stop="58500", quantity="2")
        await_stops(venue, (1, "58000"), (2, "58500"))
        leave(host)
        await_flat(venue, host)


def test_the_quantity_follows_the_position():
    with OpenAlgo() as venue, protected(venue) as host:
        venue.liquidity(SYMBOL, 35)
        enter(host, quantity="3")
        await_stops(venue, (1, "58000"))
        venue.liquidity(SYMBOL, None)
        venue.price(SYMBOL, "59000")
        await_stops(venue, (3, "58000"))
        assert venue.requests(path="/api/v1/modifyorder"), "it was not amended"
        leave(host)
        await_flat(venue, host)


def test_more_than_the_exchange_takes_in_one_order_has_several_stops():
    with OpenAlgo() as venue:
        contract = {"exchange": "NFO", "symbol": SYMBOL, "price": 59000, "lot": 35, "kind": "FUT"}
        venue.set(instrument={**contract, "name": "BANKNIFTY", "freeze": 70})
        with protected(venue) as host:
            enter(host, quantity="5")
            await_stops(venue, (2, "58000"), (2, "58000"), (1, "58000"))
            host.restart()
            await_stops(venue, (2, "58000"), (2, "58000"), (1, "58000"))
            venue.price(SYMBOL, "57990")
            await_flat(venue, host)


def test_it_is_placed_anew_where_an_amend_is_refused():
    with OpenAlgo() as venue, protected(venue) as host:
        venue.liquidity(SYMBOL, 35)
        venue.fault("reject", path="/api/v1/modifyorder", times=0)
        enter(host, quantity="2")
        await_stops(venue, (1, "58000"))
        venue.liquidity(SYMBOL, None)
        venue.price(SYMBOL, "59000")
        await_stops(venue, (2, "58000"))
        assert held(venue) == 70


def test_it_works_while_the_host_is_dead():
    with OpenAlgo() as venue, protected(venue) as host:
        enter(host, quantity="2")
        await_stops(venue, (2, "58000"))
        host.kill()
        venue.price(SYMBOL, "57900")
        assert held(venue) == 0
        host.start()
        await_flat(venue, host)
        assert len(venue.book()["orders"]) == 2, venue.book()["orders"]


def test_it_is_known_again_after_a_kill():
    with OpenAlgo() as venue, protected(venue) as host:
        enter(host)
        await_stops(venue, (1, "58000"))
        host.restart()
        await_stops(venue, (1, "58000"))
        enter(host, "Long_2", "PYRAMID", stop="58500")
        await_stops(venue, (1, "58000"), (1, "58500"))
        leave(host)
        await_flat(venue, host)


def test_a_shutdown_leaves_it_there():
    with OpenAlgo() as venue, protected(venue) as host:
        enter(host)
        await_stops(venue, (1, "58000"))
        assert host.stop(traps.SIGTERM) == 0
        await_stops(venue, (1, "58000"))
        assert held(venue) == 35


def test_a_refused_stop_is_tried_again_and_told():
    with OpenAlgo() as venue, protected(venue) as host:
        venue.fault("reject", path="/api/v1/placeorder", nth=2)
        enter(host)
        host.await_log("a position has no stop at the broker")
        await_stops(venue, (1, "58000"))


def test_a_stop_whose_answer_was_lost_is_not_doubled():
    with OpenAlgo() as venue, protected(venue) as host:
        venue.fault("error_500_after", path="/api/v1/placeorder", nth=2)
        enter(host)
        await_stops(venue, (1, "58000"))
        until(lambda: host.get("/api/orders?state=acknowledged").json(), 10, "the stop to be known")
        leave(host)
        await_flat(venue, host)
        assert len(venue.book()["orders"]) == 3, venue.book()["orders"]


def test_the_stop_trades_while_its_cancel_is_on_the_way():
    with OpenAlgo() as venue, protected(venue) as host:
        enter(host, quantity="2")
        await_stops(venue, (2, "58000"))
        venue.fault("drop_before", path="/api/v1/cancelorder", times=3)
        leave(host)
        until(lambda: venue.requests(path="/api/v1/cancelorder"))
        venue.price(SYMBOL, "57990")
        await_flat(venue, host)
        assert len(venue.book()["orders"]) == 2, venue.book()["orders"]  # the exit never left


def test_the_stop_trades_in_part_while_its_cancel_is_on_the_way():
    with OpenAlgo() as venue, protected(venue) as host:
        enter(host, quantity="3")
        await_stops(venue, (3, "58000"))
        venue.fault("drop_before", path="/api/v1/cancelorder")
        venue.liquidity(SYMBOL, 35)
        leave(host)
        until(lambda: venue.requests(path="/api/v1/cancelorder"))
        venue.price(SYMBOL, "57990")
        until(lambda: held(venue) == 70)
        venue.liquidity(SYMBOL, None)
        await_flat(venue, host)
        quantities = [D(o["quantity"]) for o in venue.book()["orders"]]
        assert quantities in ([105, 105, 70], [105, 105]), venue.book()["orders"]


# ---- a strategy moves it; a broker of our own keeps it ------------------------------------------

MOVING = """return {
    name = "plain", version = "1", instruments = "*",
    gates = {{name = "always", check = function() return true end}},
    size = function(facts)
        return {quantity = facts.signal.quantity or decimal("0.01"), stop = facts.signal.stop}
    end,
    on_bar = function(bar, facts)
        return {{type = "STOP", position = "ALL", stop = bar.low - 100}}
    end,
}
"""
BTC = {**INSTRUMENT, "name": "BTC"}


def following(venue, paper):
    """A host that follows the venue's prices and bars, and trades there or on paper."""
    feed = {"instrument": "BTC", "bars": "binance", "interval": "1m", "warm_up": 5}
    changes = {
        "feeds": [{**feed, "url": venue.url, "stream_url": venue.ws_url}],
        "strategies": [{"name": "plain", "protect": "broker"}],
    }
    if paper:
        host = Host()
        host.write_config(default_config(host, instruments=[BTC], **changes))
    else:
        host = start(venue, start=False, **changes)
    host.write_strategy("plain", MOVING)
    return host


def enter_btc(host):
    until(lambda: host.get("/api/bars").json().get("BTC"), 20, "bars")
    fields = {"instrument": "BTC", "price": "50000", "stop": "49000", "quantity": "0.01"}
    answer = host.decide(signal(atr=None, **fields))
    assert answer.status in (200, 202) and answer.json()["decision"]["verdict"] == "accept", answer


def resting(host):
    rows = host.get("/api/orders?limit=100").json()
    return [D(o["stop_price"]) for o in rows if o["protective"] and o["state"] == "acknowledged"]


def close_a_bar(venue, low):
    """The minute that begins now, closed at once: 50000, with that low."""
    at_ms = int(time.time() * 1000) // 60000 * 60000
    venue.bar("BTCUSDT", at_ms, ("50000", "50010", low, "50000"))


def test_a_stop_that_on_bar_moves_is_moved_at_the_broker():
    with Binance(seed=1) as venue:
        venue.price("BTCUSDT", "50000")
        with following(venue, paper=False) as host:
            enter_btc(host)
            until(lambda: binance_stops(venue) == [("SELL", D("0.01"), D("49000"))], 20, "a stop")
            close_a_bar(venue, "49900")
            until(lambda: binance_stops(venue) == [("SELL", D("0.01"), D("49800"))], 20, "moved")
            assert D(open_positions(host)[0]["stop"]) == 49800
            venue.price("BTCUSDT", "49790")
            until(lambda: not open_positions(host), 20, "stopped out")
            assert binance_stops(venue) == []


def test_the_paper_broker_keeps_stops_as_a_venue_does():
    with Binance(seed=1) as venue:
        venue.price("BTCUSDT", "50000")
        with following(venue, paper=True) as host:
            enter_btc(host)
            until(lambda: resting(host) == [49000], 20, "its stop")
            close_a_bar(venue, "49900")
            until(lambda: resting(host) == [49800], 20, "moved")
            host.restart()
            until(lambda: resting(host) == [49800], 20, "known again")
            assert host.stop() == 0
            host.start()
            assert resting(host) == [49800], "a shutdown leaves it there"
            venue.price("BTCUSDT", "49790")
            until(lambda: not open_positions(host), 20, "stopped out")
            exits = [o for o in host.get("/api/orders").json() if o["reduces"]]
            assert [o["protective"] for o in exits] == [True], exits
            assert host.get("/api/reconciliation").json()["last"]["discrepancies"] == []


if __name__ == "__main__":
    main()
