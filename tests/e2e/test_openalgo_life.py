"""A host's life at a simulated OpenAlgo server: crashes, prices, and what is put right by hand."""
import contextlib

from harness import main, now_iso, until
from openalgo_rig import (
    D,
    OpenAlgo,
    SYMBOL,
    await_order,
    configure,
    judge,
    later,
    leave,
    open_positions,
    orders,
    ours,
    send,
    tidelock,
)

# ---- what a person and the host itself put right ------------------------------------------------


def test_a_refused_exit_is_tried_again():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host)
        await_order(host, "filled")
        venue.fault("reject", path="/api/v1/placeorder", times=2)
        leave(host)
        await_order(host, "rejected")
        host.await_log("the exit is tried again")
        host.restart()  # what was refused before is known after it
        until(lambda: not open_positions(host), 30)
        assert len(venue.requests(path="/api/v1/placeorder")) == 4
        judge(venue, host, 2)


def test_an_unknown_order_is_resolved_by_hand():
    with OpenAlgo() as venue, tidelock(venue, absence="0") as host:
        venue.fault("error_500", path="/api/v1/placeorder", times=2)
        send(host, quantity="3")
        order = await_order(host, "unknown")
        words = ["order", "resolve", order["id"], "--reason", "the desk, 14:20"]
        told = host.cli(*words, "--as", "filled")
        assert told.code == 2 and "--price" in told.err, told
        told = host.cli(*words, "--as", "filled", "--price", "59010", "--quantity", "2")
        assert told.code == 0, told
        order = await_order(host, "cancelled")
        assert D(order["filled"]) == 2 and D(order["average_price"]) == 59010, order
        assert [D(p["quantity"]) for p in open_positions(host)] == [2]
        assert host.cli(*words, "--as", "rejected").code == 1  # it is not unknown any more
        send(host, instrument="SBIN", price="800", stop="790")
        order = await_order(host, "unknown")
        words[2] = order["id"]
        assert host.cli(*words, "--as", "rejected").code == 0
        assert "the desk" in await_order(host, "rejected")["reason"]


def test_an_order_is_amended_and_cancelled_by_hand():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host, order_kind="LIMIT", limit_price="58000")
        order = await_order(host, "acknowledged")
        words = [order["id"], "--reason", "a better price"]
        assert host.cli("order", "amend", *words, "--limit", "58500").code == 0
        assert ours(venue)[0]["price"] == "58500", ours(venue)
        assert D(orders(host)[0]["limit_price"]) == 58500, orders(host)
        assert host.cli("order", "amend", *words, "--quantity", "9").code == 1  # was decided
        venue.fault("reject", path="/api/v1/modifyorder")
        assert host.cli("order", "amend", *words, "--limit", "58600").code == 1
        assert D(orders(host)[0]["limit_price"]) == 58500, orders(host)
        venue.fault("drop_before", path="/api/v1/cancelorder")
        assert host.cli("order", "cancel", *words).code == 0
        await_order(host, "cancelled", 20)
        judge(venue, host, 0 if ours(venue)[0]["status"] == "REJECTED" else 1)
        told = host.get("/api/events?kind=order.cancel_asked").json()
        assert told and "a better price" in str(told[0]["body"]), told


def test_immediate_or_cancel_does_not_rest():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.liquidity(SYMBOL, 35)
        send(host, quantity="2", order_kind="LIMIT", limit_price="59000", tif="IOC")
        order = await_order(host, "cancelled")
        assert D(order["filled"]) == 1, order
        judge(venue, host, 1)


# ---- prices --------------------------------------------------------------------------------------

FEEDS = [{"instrument": "BANK", "bars": "openalgo", "interval": "1m", "warm_up": 5}]


def unrealised(host):
    return D(host.get("/api/status").json()["portfolio"]["unrealised"])


def test_until_cancelled_is_until_tonight_there_and_says_so():
    with OpenAlgo() as venue, tidelock(venue) as host:
        fields = {"order_kind": "LIMIT", "tif": "GTC", "limit_price": "58000"}
        decided = send(host, decided=True, **fields)["decision"]
        assert "good for today only" in decided["reason"], decided
        assert await_order(host, "acknowledged")["tif"] == "DAY"
        host.await_log("good for today only")
        judge(venue, host, 1)


def test_prices_come_by_the_stream_and_are_polled_without():
    with OpenAlgo() as venue:
        host = tidelock(venue, ws_url=venue.ws_url)
        configure(host, feeds=FEEDS)
        with host:
            host.await_log("the stream of prices is open")
            send(host)
            await_order(host, "filled")
            venue.price(SYMBOL, "59010")
            until(lambda: unrealised(host) == 350, what="the price by the stream")
            venue.cut(how="reset")
            host.await_log("the stream of prices has ended")
            venue.price(SYMBOL, "59020")
            until(lambda: unrealised(host) == 700, what="the price after the cut")
            host.stop()
            assert venue.api_key not in host.log()
        host = tidelock(venue)  # no WebSocket
        configure(host, feeds=FEEDS)
        with host:
            host.await_log("prices are polled")
            bars = until(lambda: host.get("/api/bars").json().get("BANK"), what="bars of the past")
            assert len(bars) == 5, bars


def test_order_updates_are_quicker_than_readings():
    with OpenAlgo() as venue, tidelock(venue, ws_url=venue.ws_url, poll="60s") as host:
        until(lambda: "subscribe_orders" in str([r["body"] for r in venue.requests(method="WS")]))
        send(host, order_kind="LIMIT", limit_price="58000")
        order = await_order(host, "acknowledged")
        later(venue, 5)
        venue.price(SYMBOL, "57990")
        await_order(host, "filled", 3)
        venue.cut(how="reset")
        host.await_log("the stream of order updates has ended")
        leave(host, price="57990", order_kind="LIMIT", limit_price="58100")
        until(lambda: len(ours(venue)) == 2)
        venue.price(SYMBOL, "58110")
        until(lambda: not open_positions(host), 10, "what was missed while it was away")
        judge(venue, host, 2)
        assert venue.api_key not in host.log() and order["id"]


def test_the_paper_broker_trades_on_these_prices():
    with OpenAlgo() as venue:
        host = tidelock(venue, ws_url=venue.ws_url, kind="paper")
        configure(host, feeds=FEEDS)
        with host:
            host.await_log("the stream of prices is open")
            venue.price(SYMBOL, "59000")
            send(host, order_kind="LIMIT", limit_price="58950")
            await_order(host, "acknowledged")
            venue.price(SYMBOL, "58940")
            order = await_order(host, "filled")
            assert order["broker"] == "paper" and D(order["average_price"]) == 58940, order
            assert ours(venue) == []


# ---- crashes ---------------------------------------------------------------------------------


def test_killed_while_the_answer_is_awaited():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host)
        await_order(host, "filled")
        leave(host)
        until(lambda: not open_positions(host))
        venue.fault("accept_then_never", path="/api/v1/placeorder")
        send(host, timestamp=now_iso(-3), wait=False)
        until(lambda: len(ours(venue)) == 3)
        host.restart()
        until(lambda: len(orders(host, state="filled")) == 3, 20)
        judge(venue, host, 3)


@contextlib.contextmanager
def killed_beside_an_equal_order(action):
    """Somebody has the same order in the book already; ours is on its way when the host dies."""
    order = {"symbol": SYMBOL, "side": "BUY", "quantity": 35, "price": 58000, "product": "NRML"}
    with OpenAlgo() as venue:
        by_hand = venue.foreign_order(**order)
        with tidelock(venue, absence="2s") as host:
            venue.fault(action, path="/api/v1/placeorder")
            send(host, order_kind="LIMIT", limit_price="58000", wait=False)
            until(lambda: venue.requests(path="/api/v1/placeorder"), 20, "ours is on its way")
            until(lambda: action == "never" or len(ours(venue)) == 1, 10, "ours stands")
            host.restart()
            yield venue, host, str(by_hand["id"])


def test_killed_in_flight_what_stood_there_before_is_not_taken_for_ours():
    with killed_beside_an_equal_order("never") as (venue, host, _):
        order = await_order(host, "expired", 20)
        assert not order["broker_id"], order
        assert [o["status"] for o in venue.book()["orders"]] == ["NEW"]


def test_killed_in_flight_ours_is_told_from_an_equal_one():
    with killed_beside_an_equal_order("accept_then_never") as (venue, host, by_hand):
        order = await_order(host, "acknowledged", 20)
        assert order["broker_id"] not in ("", by_hand), order
        host.restart()
        assert await_order(host, "acknowledged", 20)["broker_id"] == order["broker_id"]
        judge(venue, host, 1)


def test_killed_in_flight_and_an_equal_one_by_hand_meanwhile_is_a_persons_to_settle():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault("accept_then_never", path="/api/v1/placeorder")
        send(host, order_kind="LIMIT", limit_price="58000", wait=False)
        until(lambda: len(ours(venue)) == 1, 20, "ours stands")
        host.kill()
        venue.foreign_order(symbol=SYMBOL, side="BUY", quantity=35, price=58000, product="NRML")
        host.start(deadline_s=20)  # it does not wait for a person
        host.await_log("several orders in the book")
        order = await_order(host, "unknown")
        words = ["order", "resolve", order["id"], "--as", "cancelled", "--reason", "seen there"]
        assert host.cli(*words).code == 0
        await_order(host, "cancelled")


def test_killed_with_a_resting_order():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host, quantity="2", order_kind="LIMIT", limit_price="58000")
        await_order(host, "acknowledged")
        host.kill()
        venue.liquidity(SYMBOL, 35)
        venue.price(SYMBOL, "57990")
        host.start()
        await_order(host, "partially_filled")
        host.restart()
        venue.liquidity(SYMBOL, None)
        venue.price(SYMBOL, "57980")
        await_order(host, "filled")
        judge(venue, host, 1)


def test_the_broker_is_away_at_the_start():
    with OpenAlgo() as venue:
        venue.set(refuse_connections=True)
        with tidelock(venue) as host:
            send(host, wait=False)
            venue.set(refuse_connections=False)
            await_order(host, "filled", 30)
            judge(venue, host, 1)


def test_the_broker_is_away_for_a_while():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host)
        await_order(host, "filled")
        venue.set(refuse_connections=True)
        venue.fault("reset_before", times=9)  # and those that stand are lost
        leave(host, wait=False)
        until(lambda: host.get("/health").json()["broker"] is False, 20, "the broker is missed")
        venue.calm()
        venue.set(refuse_connections=False)
        until(lambda: host.get("/health").json()["broker"] is True, 20, "the broker is back")
        until(lambda: not open_positions(host), 30, "the exit is done")
        judge(venue, host, 2)


if __name__ == "__main__":
    main()
