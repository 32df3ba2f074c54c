"""The host against a simulated OpenAlgo server: every trap of that server by name, and the venue's
own book as the judge.
"""
from harness import main, now_iso, until
from openalgo_rig import (
    D,
    INSTRUMENTS,
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

# ---- plain trading ---------------------------------------------------------------------------


def test_an_entry_and_its_exit():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host)
        order = await_order(host, "filled")
        assert D(order["average_price"]) == 59000 and order["broker"] == "openalgo", order
        judge(venue, host, 1)
        venue.price(SYMBOL, "59100")
        leave(host, price="59100")
        until(lambda: not open_positions(host), what="a flat book")
        judge(venue, host, 2)
        ledger = host.get("/api/ledger?limit=10").json()
        assert any(D(row["amount"]) == 3500 for row in ledger), ledger
        status = host.get("/api/status").json()["broker"]
        assert status["ok"] and "live mode" in status["text"], status


def test_limits_and_stops_reach_the_broker():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host, order_kind="LIMIT", limit_price="58500")
        await_order(host, "acknowledged")
        assert [(o["type"], o["price"]) for o in ours(venue)] == [("LIMIT", "58500")], ours(venue)
        venue.price(SYMBOL, "58490")
        await_order(host, "filled")
        send(host, "PYRAMID", "Long_2", order_kind="STOP", stop_price="59500", price="59000")
        until(lambda: len(ours(venue)) == 2)
        assert ours(venue)[1]["type"] == "SL-M" and ours(venue)[1]["stop"] == "59500", ours(venue)
        venue.price(SYMBOL, "59600")
        until(lambda: len(orders(host, state="filled")) == 2)
        judge(venue, host, 2)


def test_analyze_mode_is_traded_when_it_is_configured():
    with OpenAlgo() as venue:
        venue.set(mode="analyze")
        with tidelock(venue, mode="analyze") as host:
            send(host, instrument="SBIN", price="800", stop="790", quantity="10")
            order = await_order(host, "filled")
            assert D(order["quantity"]) == 10
            assert ours(venue) == [] and len(venue.book()["analyze"]["orders"]) == 1


def test_numbers_may_be_texts():
    with OpenAlgo() as venue:
        venue.set(numbers="string")
        with tidelock(venue) as host:
            send(host)
            await_order(host, "filled")
            judge(venue, host, 1)


# ---- answers that lie ------------------------------------------------------------------------


def lost_answer(action, **rule):
    """The order stands though its answer says nothing, or the opposite."""
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault(action, path="/api/v1/placeorder", **rule)
        send(host)
        await_order(host, "filled")
        later(venue, 2)
        judge(venue, host, 1)


def test_500_after_accept():
    lost_answer("error_500_after")


def test_html_502_after_accept():
    lost_answer("html_502_after")


def test_accept_then_drop():
    lost_answer("accept_then_drop")


def test_accept_then_reset():
    lost_answer("accept_then_reset")


def test_accept_then_never():
    lost_answer("accept_then_never")


def test_truncated_answer():
    lost_answer("truncated")


def test_success_without_order_id_that_stands():
    lost_answer("null_orderid", apply=True)


def test_success_with_order_id_zero_that_stands():
    lost_answer("null_orderid", apply=True, orderid="0")


def test_400_timed_out_and_placed():
    lost_answer(
        "answer", apply=True, status=400, body='{"status":"error","message":"Request timed out"}'
    )


def test_placed_long_after_the_answer_was_given_up():
    lost_answer("late_apply", seconds=2.5)


def never_stood(action, **rule):
    """Nothing stands: unknown first, its instrument blocked; ended by proof, never sent again."""
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault(action, path="/api/v1/placeorder", **rule)
        send(host)
        await_order(host, "unknown", 20)
        send(host, "BASE_ENTRY", "Long_1", timestamp=now_iso(-5), wait=False)
        order = await_order(host, "expired", 30)
        assert "never showed" in order["reason"], order
        placed = venue.requests(path="/api/v1/placeorder")
        assert len([r for r in placed if r["at_ms"] < placed[0]["at_ms"] + 3900]) == 1, placed
        await_order(host, "filled", 20)  # the second one, which had to wait
        judge(venue, host, 1)
        assert len(venue.requests(path="/api/v1/placeorder")) == 2


def test_500_before_accept():
    never_stood("error_500")


def test_refused_inside_http_200():
    never_stood("null_orderid")


def test_dropped_before_it_was_read():
    never_stood("drop_before")


def refused(action, word, **rule):
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault(action, path="/api/v1/placeorder", **rule)
        send(host)
        order = await_order(host, "rejected")
        assert word in order["reason"], order
        assert len(venue.requests(path="/api/v1/placeorder")) == 1
        judge(venue, host, 0)


def test_margin_exceeds():
    refused("reject", "RMS:Margin Exceeds")


def test_validation_fault():
    refused(
        "answer",
        "Not a valid",
        status=400,
        body='{"status":"error","message":"{\'quantity\': [\'Not a valid number.\']}"}',
    )


def test_plain_429_is_not_placed_and_tried_again():
    for action in ("rate_429", "broker_429_text"):
        with OpenAlgo() as venue, tidelock(venue) as host:
            venue.fault(action, path="/api/v1/placeorder")
            send(host)
            await_order(host, "filled")
            judge(venue, host, 1)


def test_connections_refused_then_taken():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.set(refuse_connections=True)
        send(host)
        venue.set(refuse_connections=False)
        until(lambda: orders(host, state="filled") or orders(host, state="expired"), 20)
        judge(venue, host, len(orders(host, state="filled")))


# ---- books that lie --------------------------------------------------------------------------


def test_a_failing_book_is_not_an_empty_one():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault("error_500_after", path="/api/v1/placeorder")
        venue.fault("unexpected_500", path="/api/v1/orderbook", times=0)
        send(host)
        await_order(host, "unknown")
        later(venue, 25)  # longer than absence takes to prove anything
        assert orders(host, state="unknown"), orders(host)
        venue.calm()
        await_order(host, "filled", 20)
        judge(venue, host, 1)


def test_an_order_that_shows_late():
    with OpenAlgo() as venue:
        venue.set(visible_after_ms=1500)
        with tidelock(venue) as host:
            venue.fault("error_500_after", path="/api/v1/placeorder")
            send(host)
            await_order(host, "filled")
            judge(venue, host, 1)


def test_the_neighbours_status_is_not_believed():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.foreign_order(symbol=SYMBOL, side="BUY", quantity=35, price=100)
        venue.end(ours(venue)[0]["id"] if ours(venue) else venue.book()["orders"][0]["id"])
        venue.set(leak_status_ms=150)
        send(host, order_kind="LIMIT", limit_price="58000")
        await_order(host, "acknowledged")
        later(venue, 3)
        assert orders(host)[0]["state"] == "acknowledged", orders(host)
        venue.price(SYMBOL, "57900")
        await_order(host, "filled")
        judge(venue, host, 1)


def test_unknown_words_are_no_end():
    with OpenAlgo() as venue:
        venue.set(status_words={"open": "PUT ORDER REQ RECEIVED", "complete": "TRADED"})
        with tidelock(venue) as host:
            send(host, order_kind="LIMIT", limit_price="58000")
            await_order(host, "acknowledged")
            venue.price(SYMBOL, "57900")
            await_order(host, "filled")
            judge(venue, host, 1)


def test_partial_fills_show_in_the_trade_book_only():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.liquidity(SYMBOL, 70)
        send(host, quantity="4", order_kind="LIMIT", limit_price="59000")
        order = await_order(host, "partially_filled")
        assert D(order["filled"]) == 2, order
        judge(venue, host, 1)
        venue.liquidity(SYMBOL, None)
        venue.price(SYMBOL, "59000")
        await_order(host, "filled")
        judge(venue, host, 1)


def test_trade_rows_without_a_quantity():
    with OpenAlgo() as venue:
        venue.set(trade_quantity_zero=True)
        with tidelock(venue) as host:
            send(host, quantity="3")
            order = await_order(host, "filled")
            assert D(order["filled"]) == 3, order
            judge(venue, host, 1)


def test_a_cancel_by_the_broker_keeps_what_was_filled():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.liquidity(SYMBOL, 35)
        send(host, quantity="2", order_kind="LIMIT", limit_price="59000")
        await_order(host, "partially_filled")
        venue.end(ours(venue)[0]["id"])
        order = await_order(host, "cancelled")
        assert D(order["filled"]) == 1, order
        judge(venue, host, 1)


# ---- modes and keys --------------------------------------------------------------------------


def test_the_wrong_mode_at_the_start_trades_nothing():
    with OpenAlgo() as venue:
        venue.set(mode="analyze")
        with tidelock(venue) as host:
            send(host)
            host.await_log("the server is in another mode")
            later(venue, 3)
            assert not host.get("/api/status").json()["broker"]["ok"]
            assert venue.requests(path="/api/v1/placeorder") == []
            venue.set(mode="live")
            await_order(host, "filled", 30)
            judge(venue, host, 1)


def test_a_switch_by_hand_stops_trading():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host)
        await_order(host, "filled")
        venue.set(mode="analyze")
        host.await_log("the server is in another mode")
        leave(host)
        later(venue, 3)
        assert venue.book()["analyze"]["orders"] == [], venue.book()["analyze"]
        assert len(open_positions(host)) == 1
        venue.set(mode="live")
        until(lambda: not open_positions(host), 30)
        judge(venue, host, 2)


def test_semi_auto_is_not_placed():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.set(semi_auto=True)
        send(host)
        order = await_order(host, "unknown")
        assert "Semi-Auto" in order["reason"], order
        send(host, instrument="SBIN", price="800", stop="790")
        later(venue, 3)
        assert len(venue.requests(path="/api/v1/placeorder")) == 1
        assert not host.get("/api/status").json()["broker"]["ok"]


def test_an_expired_login_waits_for_a_new_one():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.set(expired=True)
        send(host)
        host.await_log("the API key is refused")
        assert not host.get("/api/status").json()["broker"]["ok"]
        venue.set(expired=False)
        await_order(host, "filled", 30)
        judge(venue, host, 1)


def test_another_lot_size_is_refused():
    with OpenAlgo() as venue:
        host = tidelock(venue)
        configure(host, [{**INSTRUMENTS[0], "lot_size": "30"}])
        with host:
            host.await_log("a lot is another number of units")
            send(host)
            assert "35 units" in await_order(host, "rejected")["reason"]
            assert ours(venue) == []


# ---- the account is not ours alone -----------------------------------------------------------


def test_orders_of_others_are_not_touched():
    with OpenAlgo() as venue, tidelock(venue) as host:
        foreign = venue.foreign_order(symbol=SYMBOL, side="BUY", quantity=35, price=50000)
        send(host, order_kind="LIMIT", limit_price="58000")
        await_order(host, "acknowledged")
        assert host.stop() == 0
        book = {o["id"]: o["status"] for o in venue.book()["orders"]}
        assert book[foreign["id"]] == "NEW", book
        assert sorted(book.values()) == ["CANCELED", "NEW"], book


def test_an_equal_order_by_hand_is_left_to_a_person():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault("error_500_after", path="/api/v1/placeorder")
        venue.fault("unexpected_500", path="/api/v1/orderbook", times=0)
        send(host, order_kind="LIMIT", limit_price="58000")
        await_order(host, "unknown")
        venue.foreign_order(symbol=SYMBOL, side="BUY", quantity=35, price=58000, product="NRML")
        venue.calm()  # before, the book had only ours
        host.await_log("several orders in the book")
        later(venue, 25)
        assert orders(host)[0]["state"] == "unknown", orders(host)


if __name__ == "__main__":
    main()
