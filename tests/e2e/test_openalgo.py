"""The host against a simulated OpenAlgo server: every trap of that server by name, and the venue's
own book as the judge: at most one order a leg, and never a call that acts on the whole account.
"""
import os
import sys
from decimal import Decimal as D

from harness import ROOT, Host, default_config, main, now_iso, signal, until

sys.path.insert(0, os.path.join(ROOT, "tests", "venues"))
from venue import OpenAlgo  # noqa: E402

CHANGE = {"X-Tidelock": "1"}
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
        "symbol": "BANKNIFTY30DEC25FUT",
        "lot_size": "35",
        "tick": "0.05",
        "point_value": "35",
    },
    {"name": "SBIN", "exchange": "NSE", "product": "CNC", "tick": "0.05"},
]


def tidelock(venue, mode="live", **broker):
    """A host that trades at the venue, not yet started."""
    host = Host(env={"OPENALGO_KEY": venue.api_key})
    host.broker = {
        "kind": "openalgo",
        "base_url": venue.url,
        "api_key": "env:OPENALGO_KEY",
        "mode": mode,
        "timeout": "1s",
        "poll": "100ms",
        "absence": "4s",
        "mode_every": "200ms",
        **broker,
    }
    configure(host)
    return host


def configure(host, instruments=None):
    config = default_config(
        host,
        broker=host.broker,
        instruments=instruments or INSTRUMENTS,
        staleness={"entry_max_age": "30d"},
    )
    host.write_strategy("plain", STRATEGY)
    host.write_config(config)


def send(host, *words, wait=True, **fields):
    fields = {
        "instrument": "BANK",
        "price": "59000",
        "stop": "58000",
        **fields,
    }
    answer = host.post(
        "/webhook/test" + ("?wait=decision" if wait else ""), signal(*words, **fields)
    )
    assert answer.status in (200, 202), answer
    return answer.json()


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


# ---- plain trading ---------------------------------------------------------------------------


def test_an_entry_and_its_exit():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host)
        order = await_order(host, "filled")
        assert D(order["average_price"]) == 59000 and order["broker"] == "openalgo", order
        judge(venue, host, 1)
        venue.price("BANKNIFTY30DEC25FUT", "59100")
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
        venue.price("BANKNIFTY30DEC25FUT", "58490")
        await_order(host, "filled")
        send(host, "PYRAMID", "Long_2", order_kind="STOP", stop_price="59500", price="59000")
        until(lambda: len(ours(venue)) == 2)
        assert ours(venue)[1]["type"] == "SL-M" and ours(venue)[1]["stop"] == "59500", ours(venue)
        venue.price("BANKNIFTY30DEC25FUT", "59600")
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
        await_order(host, "unknown")
        send(host, "BASE_ENTRY", "Long_1", timestamp=now_iso(-5), wait=False)
        order = await_order(host, "expired")
        assert "never showed" in order["reason"], order
        placed = venue.requests(path="/api/v1/placeorder")
        assert len([r for r in placed if r["at_ms"] < placed[0]["at_ms"] + 3900]) == 1, placed
        await_order(host, "filled")  # the second one, which had to wait
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
        venue.fault("unexpected_500", path="/api/v1/orderbook", nth=2, times=0)
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
        venue.foreign_order(symbol="BANKNIFTY30DEC25FUT", side="BUY", quantity=35, price=100)
        venue.end(ours(venue)[0]["id"] if ours(venue) else venue.book()["orders"][0]["id"])
        venue.set(leak_status_ms=150)
        send(host, order_kind="LIMIT", limit_price="58000")
        await_order(host, "acknowledged")
        later(venue, 3)
        assert orders(host)[0]["state"] == "acknowledged", orders(host)
        venue.price("BANKNIFTY30DEC25FUT", "57900")
        await_order(host, "filled")
        judge(venue, host, 1)


def test_unknown_words_are_no_end():
    with OpenAlgo() as venue:
        venue.set(status_words={"open": "PUT ORDER REQ RECEIVED", "complete": "TRADED"})
        with tidelock(venue) as host:
            send(host, order_kind="LIMIT", limit_price="58000")
            await_order(host, "acknowledged")
            venue.price("BANKNIFTY30DEC25FUT", "57900")
            await_order(host, "filled")
            judge(venue, host, 1)


def test_partial_fills_show_in_the_trade_book_only():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.liquidity("BANKNIFTY30DEC25FUT", 70)
        send(host, quantity="4", order_kind="LIMIT", limit_price="59000")
        order = await_order(host, "partially_filled")
        assert D(order["filled"]) == 2, order
        judge(venue, host, 1)
        venue.liquidity("BANKNIFTY30DEC25FUT", None)
        venue.price("BANKNIFTY30DEC25FUT", "59000")
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
        venue.liquidity("BANKNIFTY30DEC25FUT", 35)
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
            until(lambda: "analyze mode" in orders(host)[0]["reason"])
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
        assert host.cli("verify").code in (0, 1) and host.cli(*words, "--as", "rejected").code == 1
        send(host, instrument="SBIN", price="800", stop="790")
        order = await_order(host, "unknown")
        words[2] = order["id"]
        assert host.cli(*words, "--as", "rejected").code == 0
        assert "the desk" in await_order(host, "rejected")["reason"]


def test_immediate_or_cancel_does_not_rest():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.liquidity("BANKNIFTY30DEC25FUT", 35)
        send(host, quantity="2", order_kind="LIMIT", limit_price="59000", tif="IOC")
        order = await_order(host, "cancelled")
        assert D(order["filled"]) == 1, order
        judge(venue, host, 1)


# ---- the account is not ours alone -----------------------------------------------------------


def test_orders_of_others_are_not_touched():
    with OpenAlgo() as venue, tidelock(venue) as host:
        foreign = venue.foreign_order(
            symbol="BANKNIFTY30DEC25FUT", side="BUY", quantity=35, price=50000
        )
        send(host, order_kind="LIMIT", limit_price="58000")
        await_order(host, "acknowledged")
        assert host.stop() == 0
        book = {o["id"]: o["status"] for o in venue.book()["orders"]}
        assert book[foreign["id"]] == "NEW", book
        assert sorted(book.values()) == ["CANCELED", "NEW"], book


def test_an_equal_order_by_hand_is_left_to_a_person():
    with OpenAlgo() as venue, tidelock(venue) as host:
        venue.fault("error_500_after", path="/api/v1/placeorder")
        venue.fault("unexpected_500", path="/api/v1/orderbook", nth=2, times=3)
        send(host, order_kind="LIMIT", limit_price="58000")
        await_order(host, "unknown")
        venue.foreign_order(
            symbol="BANKNIFTY30DEC25FUT", side="BUY", quantity=35, price=58000, product="NRML"
        )
        host.await_log("several orders in the book")
        later(venue, 25)
        assert orders(host)[0]["state"] == "unknown", orders(host)


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


def test_killed_with_a_resting_order():
    with OpenAlgo() as venue, tidelock(venue) as host:
        send(host, quantity="2", order_kind="LIMIT", limit_price="58000")
        await_order(host, "acknowledged")
        host.kill()
        venue.liquidity("BANKNIFTY30DEC25FUT", 35)
        venue.price("BANKNIFTY30DEC25FUT", "57990")
        host.start()
        await_order(host, "partially_filled")
        host.restart()
        venue.liquidity("BANKNIFTY30DEC25FUT", None)
        venue.price("BANKNIFTY30DEC25FUT", "57980")
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


if __name__ == "__main__":
    main()
