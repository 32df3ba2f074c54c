"""Rows F and H of the catalogue of faults that no other file has a test for: the venue's own book
is the judge. A test is named after the number of its row.
"""
import socket
import struct
import threading
from decimal import Decimal as D

from harness import main, now_iso, signal, until
from openalgo_rig import OpenAlgo, SYMBOL, await_order, judge, open_positions, send, tidelock
from openalgo_rig import leave as rig_leave, orders as rig_orders
from test_binance import (
    ORDER,
    Binance,
    BinanceFutures,
    Pair,
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

FUTURES_ORDER = "/fapi/v1/order"

# ---- fees in kind (what is held is less than what was bought) ---------------------------------


def reconcile(host):
    """Once the comparison that is under way by itself leaves room."""
    until(lambda: host.cli("reconcile").code == 0, 30, "the books are compared")


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


# ---- F: the broker ----------------------------------------------------------------------------


def test_81_no_answer_and_not_accepted():
    with Pair(broker={"recv_window": "1s", "processing": "200ms"}) as (venue, host):
        venue.fault("never", method="POST", path=ORDER)
        enter(host)
        until(lambda: held(host) == D("0.01"), 40, "sent again after the proof")
        agree(venue, host, "0.01", 1)


def test_84_overloaded_means_wait_and_an_exit_is_sent_again():
    for kind, market, path in ((Binance, "spot", ORDER), (BinanceFutures, "usdm", FUTURES_ORDER)):
        with Pair(kind(seed=1), broker={"market": market}) as (venue, host):
            enter(host)
            agree(venue, host, "0.01", 1)
            venue.fault("error_1008", method="POST", path=path, times=2)
            leave(host)
            agree(venue, host, "0", 2)


class Wire:
    """Passes bytes on; the first request that begins so is reset after some bytes of it."""

    def __init__(self, port, begins, after):
        self.door, self.port = socket.create_server(("127.0.0.1", 0)), port
        self.begins, self.after, self.cuts = begins, after, 0
        threading.Thread(target=self.accept, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.door.getsockname()[1]}"

    def accept(self):
        while True:
            try:
                inner, _ = self.door.accept()
            except OSError:
                return
            outer = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self.upwards, args=(inner, outer), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(outer, inner), daemon=True).start()

    def upwards(self, inner, outer):
        try:
            while data := inner.recv(65536):
                if data.startswith(self.begins) and not self.cuts:
                    self.cuts += 1
                    # Without its body it certainly had not arrived, and would be sent once more.
                    while data.endswith(b"\r\n\r\n"):
                        data += inner.recv(65536)
                    outer.sendall(data[: self.after])
                    for end in (inner, outer):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        end.close()
                    return
                outer.sendall(data)
            outer.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    @staticmethod
    def pass_on(outer, inner):
        try:
            while data := outer.recv(65536):
                inner.sendall(data)
            inner.close()
        except OSError:
            pass


def test_86_reset_within_the_request():
    with OpenAlgo() as venue:
        wire = Wire(venue.port, b"POST /api/v1/placeorder", 200)
        with tidelock(venue, base_url=wire.url) as host:
            send(host)
            order = await_order(host, "expired", 40)
            assert wire.cuts == 1 and "never showed" in order["reason"], order
            judge(venue, host, 0)
        wire.door.close()


def test_81_what_never_stood_does_not_take_the_place_of_its_equal():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault("drop_before", path="/api/v1/placeorder")
        send(host, order_kind="LIMIT", limit_price="58000")
        first = await_order(host, "expired", 20)
        venue.fault("accept_then_reset", path="/api/v1/placeorder")
        send(host, timestamp=now_iso(-5), order_kind="LIMIT", limit_price="58000")
        second = await_order(host, "acknowledged", 20)
        assert first["id"] != second["id"] and second["broker_id"], second
        venue.price(SYMBOL, "57990")
        await_order(host, "filled", 20)
        judge(venue, host, 1)


def test_87_a_request_that_arrives_after_its_window():
    with Pair(broker={"recv_window": "1s", "processing": "200ms"}) as (venue, host):
        venue.fault("late_apply", method="POST", path=ORDER, seconds=2)
        enter(host)
        until(lambda: held(host) == D("0.01"), 30, "the second attempt")
        agree(venue, host, "0.01", 1)


def test_88_fills_before_the_acknowledgement_and_in_any_order():
    with Pair() as (venue, host):
        venue.set(pieces=3, shuffle_events=4, duplicate_fills=2)
        venue.fault("late", method="POST", path=ORDER, seconds=1)
        enter(host, quantity="0.03")
        until(lambda: held(host) == D("0.03"), 15, "the fills the stream told")
        agree(venue, host, "0.03", 1)
        rows = host.get("/api/fills?limit=10").json()
        assert len(rows) == 3, rows


def test_89_a_cancel_whose_reply_is_lost_races_a_fill():
    with Pair() as (venue, host):
        enter(host, price="49500", atr="1")
        order = one_order(host, "acknowledged")
        venue.set(skip_events=2)
        venue.fill(venue.orders()[0]["id"], "0.004")
        venue.fault("accept_then_drop", method="DELETE", path=ORDER)
        host.cli("order", "cancel", order["id"], "--reason", "the race")
        cancelled = one_order(host, "cancelled", 30)
        assert D(cancelled["filled"]) == D("0.004"), cancelled
        agree(venue, host, "0.004", 1)
        assert venue.orders()[0]["status"] == "CANCELED"


def test_90_an_empty_list_of_open_orders_ends_nothing():
    with Pair() as (venue, host):
        enter(host, price="49500", atr="1")
        one_order(host, "acknowledged")
        host.kill()
        venue.fault("answer", path="/api/v3/openOrders", status=200, body="[]", times=0)
        host.start(deadline_s=20)
        reconcile(host)
        one_order(host, "acknowledged")
        venue.price("BTCUSDT", "49400")
        agree(venue, host, "0.01", 1)


def test_91_no_positions_is_not_flat():
    with Pair(BinanceFutures(seed=1), broker={"market": "usdm"}) as (venue, host):
        enter(host)
        agree(venue, host, "0.01", 1)
        for body, status in (("[]", 200), ("<html>", 502)):
            venue.calm()
            venue.fault("answer", path="/fapi/v2/positionRisk", status=status, body=body, times=0)
            host.cli("reconcile")
            assert held(host) == D("0.01"), body
            answer = host.post(
                "/webhook/test?wait=decision",
                signal(
                    "PYRAMID",
                    "Long_2",
                    instrument="BTC",
                    price="50000",
                    stop="49000",
                    atr=None,
                    quantity="0.01",
                    timestamp=now_iso(-status // 100),
                ),
            )
            decision = (answer.json() or {}).get("decision") or {}
            assert decision.get("verdict") != "accept", (body, answer)
        venue.calm()
        reconcile(host)
        agree(venue, host, "0.02", 2)  # what could not be judged waited until it could
        leave(host)
        agree(venue, host, "0", 3)


def test_93_an_id_is_not_used_again_after_its_order_was_filled():
    """The venue would take it: it knows ids among open orders only."""
    with Pair(broker={"recv_window": "1s", "processing": "1s"}) as (venue, host):
        venue.set(skip_events=20)
        venue.fault("accept_then_drop", method="POST", path=ORDER)
        venue.fault("html_502", method="GET", path=ORDER, times=4)
        enter(host)
        until(lambda: held(host) == D("0.01"), 30, "found at last")
        agree(venue, host, "0.01", 1)
        assert len(venue.requests(method="POST", path=ORDER)) == 1


def test_95_a_key_that_is_not_allowed_here_is_told_and_trades_nothing():
    with Pair() as (venue, host):
        venue.set(revoked=["edkey"])
        enter(host)
        assert "2015" in one_order(host, "rejected")["reason"]
        until(lambda: not host.get("/api/status").json()["broker"]["ok"], 30, "told")
        agree(venue, host, "0", 0)


def test_97_answers_that_are_no_answers():
    bodies = (
        '{"orderId": NaN}',
        '{"orderId": 1e400, "symbol": "BTCUSDT", "executedQty": "1e400"}',
        "[" * 5000,
        "x" * 900000,
        "",
    )
    for body in bodies:
        with Pair() as (venue, host):
            rule = {"status": 200, "body": body, "apply": True}
            venue.fault("answer", method="POST", path=ORDER, **rule)
            enter(host)
            agree(venue, host, "0.01", 1)
            assert len(venue.requests(method="POST", path=ORDER)) == 1, body[:40]


def test_97_an_answer_that_drips():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault("slow_bytes", path="/api/v1/placeorder", bytes=1, every_s=1)
        send(host)
        await_order(host, "filled", 20)
        judge(venue, host, 1)


def test_98_a_redirect_is_not_followed():
    with Binance(seed=2) as other, Pair() as (venue, host):
        other.price("BTCUSDT", "50000")
        where = {"Location": other.url + ORDER}
        venue.fault("answer", method="POST", path=ORDER, status=307, body="", headers=where)
        enter(host)
        until(lambda: held(host) == D("0.01"), 30, "sent again after the proof")
        assert not other.requests(), other.requests()
        agree(venue, host, "0.01", 1)


def test_100_an_exit_waits_for_a_broker_that_is_down():
    with Pair() as (venue, host):
        enter(host)
        agree(venue, host, "0.01", 1)
        venue.set(refuse_connections=True)
        venue.fault("drop_before", path="/api/v3/*", times=0)
        venue.cut()
        leave(host)
        until(lambda: not host.get("/api/status").json()["broker"]["ok"], 30, "told")
        assert held(host) == D("0.01")
        host.kill()  # and whoever comes after it knows of the exit
        venue.set(refuse_connections=False)
        venue.calm()
        host.start(deadline_s=20)
        until(lambda: held(host) == 0, 60, "out")
        agree(venue, host, "0", 2)


def frozen_at(venue, units):
    contract = {"exchange": "NFO", "symbol": SYMBOL, "price": 59000, "lot": 35, "kind": "FUT"}
    venue.set(instrument={**contract, "name": "BANKNIFTY", "freeze": units})


def test_102_more_than_the_freeze_quantity_goes_in_several_orders_of_one_position():
    with OpenAlgo(1, "--order-rate", "0") as venue:
        frozen_at(venue, 70)
        with tidelock(venue) as host:
            venue.fault("error_500_after", path="/api/v1/placeorder", nth=2)
            decided = send(host, decided=True, quantity="5")["decision"]
            assert decided["verdict"] == "accept" and decided["quantity"] == "5", decided
            until(lambda: len(rig_orders(host, state="filled")) == 3, 20, "three orders")
            rows = rig_orders(host)
            assert sorted(row["quantity"] for row in rows) == ["1", "2", "2"], rows
            assert len({row["position_id"] for row in rows}) == 1, rows
            positions = open_positions(host)
            assert [row["quantity"] for row in positions] == ["5"], positions
            assert positions[0]["is_base_position"], positions
            judge(venue, host, 3)
            host.restart()
            send(host, "PYRAMID", "Long_2")
            until(lambda: len(open_positions(host)) == 2, 20, "the second layer")
            rig_leave(host)
            until(lambda: not open_positions(host), 30, "out")
            judge(venue, host, 7)  # the six lots of both layers in three orders
            units = [D(o["quantity"]) for o in venue.book()["orders"]]
            assert max(units) == 70, units


def test_102_the_rails_see_the_whole_and_what_no_dozen_of_orders_carries_is_refused():
    with OpenAlgo() as venue:
        frozen_at(venue, 70)
        with tidelock(venue) as host:
            decided = send(host, decided=True, quantity="25")["decision"]
            assert decided["verdict"] == "reject" and decided["gate"] == "size", decided
            judge(venue, host, 0)


def test_82_a_5xx_that_was_accepted_and_83_a_4xx_that_was():
    """Neither says that the order does not stand; a 4xx without a code says nothing at all."""
    timed_out = {"status": 400, "body": '{"msg": "timed out"}', "apply": True}
    for action, rule in (
        ("html_504", {}),
        ("error_1007", {}),
        ("timeout_408", {}),
        ("answer", timed_out),
        ("late_apply", {"seconds": 1.5}),
    ):
        with Pair() as (venue, host):
            venue.fault(action, method="POST", path=ORDER, **rule)
            enter(host)
            agree(venue, host, "0.01", 1)
            assert len(venue.requests(method="POST", path=ORDER)) == 1, action


def test_92_filled_while_nobody_looked_is_a_position():
    with Pair() as (venue, host):
        enter(host, price="49000", stop="48000", atr="1")  # a limit that rests
        one_order(host, "acknowledged")
        host.kill()
        venue.price("BTCUSDT", "48990")
        venue.fault("html_502", path="/api/v3/openOrders")
        host.start(deadline_s=20)
        until(lambda: held(host) == D("0.01"), 20, "the position")
        assert not [o for o in orders(host) if o["state"] == "cancelled"]
        agree(venue, host, "0.01", 1)


def test_96_a_clock_that_is_off_by_more_than_the_window():
    with Pair() as (venue, host):
        for nth, skew in enumerate((60000, -60000), 1):
            venue.set(skew_ms=skew)
            enter(host, f"Long_{nth}", type="BASE_ENTRY" if nth == 1 else "PYRAMID")
            agree(venue, host, str(D("0.01") * nth), nth)


# ---- H: reconciliation ------------------------------------------------------------------------


def test_119_killed_while_the_books_are_compared():
    with Pair() as (venue, host):
        enter(host)
        agree(venue, host, "0.01", 1)
        host.kill()
        venue.fault("late", path="/api/v3/openOrders", seconds=3)
        host.start(wait=False)
        until(lambda: venue.requests(path="/api/v3/openOrders")[-1]["status"] is None, 10)
        host.kill()
        host.start(deadline_s=20)
        last = host.get("/api/reconciliation").json()["last"]
        assert last["complete"] and last["discrepancies"] == [], last
        leave(host)
        agree(venue, host, "0", 2)


def test_120_comparing_longer_than_a_lease_lasts():
    with Pair() as (venue, host):
        enter(host)
        agree(venue, host, "0.01", 1)
        venue.fault("late", path="/api/v3/openOrders", seconds=4)
        done = host.cli("reconcile")
        assert done.code == 0 and "equal" in done.out, done
        leave(host)
        agree(venue, host, "0", 2)
        assert "lost" not in [row.get("msg") for row in host.log_rows()]


# ---- the four scenarios of reconciliation, at a venue -----------------------------------------


def founding(trade, here, kind):
    """A position of 0.02, then what somebody else does while we are down, then our start."""
    with Pair(BinanceFutures(seed=1), broker={"market": "usdm"}) as (venue, host):
        if here:
            enter(host, quantity="0.02")
            agree(venue, host, "0.02", 1)
        host.kill()
        if trade:
            side, quantity = trade
            venue.foreign_order(symbol="BTCUSDT", side=side, quantity=quantity)
        host.start(deadline_s=20)
        last = host.get("/api/reconciliation").json()["last"]
        found = [one["kind"] for one in last["discrepancies"]]
        assert found == ([kind] if kind else []), last
        assert held(host) == D("0.02" if here else "0"), "nothing is concluded without a policy"
        assert len([o for o in venue.orders() if not o.get("foreign")]) == int(here)


def test_founding_1_both_have_the_position():
    founding(None, True, None)


def test_founding_2_only_we_have_it():
    founding(("SELL", "0.02"), True, "position_missing_there")


def test_founding_3_only_they_have_it():
    founding(("BUY", "0.01"), False, "position_missing_here")


def test_founding_4_quantities_differ():
    founding(("SELL", "0.005"), True, "quantity_differs")


if __name__ == "__main__":
    main(limit_s=120)
