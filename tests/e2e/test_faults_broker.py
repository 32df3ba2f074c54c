"""Rows F and H of the catalogue of faults that no other file has a test for; the venue's own book is
the judge. The rows are named as the catalogue numbers them.
"""
import os
import sys
import time
from decimal import Decimal as D

from harness import ROOT, main, now_iso, signal, until
from openalgo_rig import OpenAlgo, SYMBOL, await_order, judge, later, ours, send, tidelock
import openalgo_rig
from test_binance import (
    ORDER,
    Binance,
    agree,
    enter,
    held,
    leave,
    one_order,
    orders,
    start,
    stops,
    streaming,
)

# ---- fees in kind (what is held is less than what was bought) ---------------------------------


def coins(venue, asset):
    return D(venue.book()["balances"][asset]["free"])


def test_an_exit_sells_what_fees_have_left():
    """The account has no other coins: the fee of the entry came out of what was bought."""
    with Binance(seed=7) as venue:
        venue.price("BTCUSDT", "50000")
        venue.set(balances={"BTC": "0"})
        with start(venue, start=False) as host:
            streaming(host)
            enter(host)
            agree(venue, host, "0.01", 1)
            host.restart()
            last = host.get("/api/reconciliation").json()["last"]
            assert last["discrepancies"] == [], last
            venue.price("BTCUSDT", "51000")
            leave(host)
            until(lambda: held(host) == 0, 15, "out")
            filled = one_order(host, "filled")
            assert len(venue.orders()) == 2 and D(venue.orders()[1]["filled"]) == D("0.00999")
            rows = host.get("/api/fills?limit=10").json()
            kind = [row for row in rows if row["id"].endswith("-kind")]
            assert len(kind) == 1 and D(kind[0]["quantity"]) == D("0.00001"), rows
            assert D(kind[0]["price"]) == 50000, "what was paid in kind leaves for what it cost"
            host.restart()
            assert held(host) == 0 and filled
            book = venue.book()
            earned = D(book["balances"]["USDT"]["free"]) - 1000000
            ledger = host.get("/api/ledger?limit=20").json()
            booked = sum(D(r["amount"]) for r in ledger if r["kind"] in ("realised", "fee"))
            assert abs(earned - booked) < D("0.000001"), (earned, booked)
            assert host.stop() == 0
            assert host.cli("verify").code == 0


def test_a_stop_that_rests_sells_what_fees_have_left():
    with Binance(seed=7) as venue:
        venue.price("BTCUSDT", "50000")
        venue.set(balances={"BTC": "0"})
        with start(venue, start=False, strategies=[{"name": "plain", "protect": "broker"}]) as host:
            streaming(host)
            enter(host)
            until(lambda: stops(venue) == [("SELL", D("0.00999"), D("49000"))], 15, "the stop")
            venue.price("BTCUSDT", "48900")
            until(lambda: held(host) == 0, 15, "out by the stop")
            assert coins(venue, "BTC") < D("0.00001")


# ---- what is gone from the broker's book ------------------------------------------------------


def test_90_an_order_gone_from_todays_book_is_unknown_not_resting():
    """It was acknowledged yesterday; today's book begins empty, which says nothing of its end."""
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host, order_kind="LIMIT", limit_price="58000")
        await_order(host, "acknowledged")
        host.kill()
        venue.set(visible_after_ms=10**9)
        host.start(deadline_s=20)
        order = await_order(host, "unknown", 30)
        assert "does not know it any more" in order["reason"], order
        send(host, "PYRAMID", "Long_2")
        assert len(venue.requests(path="/api/v1/placeorder")) == 1, "entries wait"
        venue.set(visible_after_ms=0)
        await_order(host, "acknowledged", 20)
        venue.price(SYMBOL, "57990")
        until(lambda: [o for o in orders(host) if o["state"] == "filled"], 20)


if __name__ == "__main__":
    main(limit_s=120)
