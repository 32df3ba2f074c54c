"""The simulated venues' own promises: what is refused, and that every fault does what it says.

Other tests take the venues' word for what happened; here it is shown that "applied" is applied,
"dropped before" is not, and that the same seed gives the same misfortune.
"""

import hashlib
import hmac
import http.client
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from harness import ROOT, main, until

sys.path.insert(0, os.path.join(ROOT, "tests", "venues"))

from venue import Binance, BinanceFutures, OpenAlgo  # noqa: E402

ORDER = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000"


def fetch(venue, method, path, body=None, kind="application/json", timeout_s=10):
    """One request on a connection of its own: status, headers, JSON or text."""
    connection = http.client.HTTPConnection("127.0.0.1", venue.port, timeout=timeout_s)
    try:
        connection.request(method, path, body, {"Content-Type": kind, "X-MBX-APIKEY": "testkey"})
        answer = connection.getresponse()
        text = answer.read().decode()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return (
            answer.status,
            headers,
            json.loads(text) if "json" in headers["content-type"] else text,
        )
    finally:
        connection.close()


def signed(venue, method, path, query="", secret="testsecret", age_ms=0, **more):
    query = (query + "&" if query else "") + f"timestamp={time.time_ns() // 10**6 - age_ms}"
    for name, value in more.items():
        query += f"&{name}={value}"
    signature = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    return fetch(venue, method, f"{path}?{query}&signature={signature}")


def place(venue, name, **more):
    return signed(venue, "POST", "/api/v3/order", f"{ORDER}&newClientOrderId={name}", **more)


def outcome(call):
    """How the call ended, as a word."""
    try:
        status, _, told = call()
        return told.get("code", status) if isinstance(told, dict) else status
    except (http.client.HTTPException, OSError, ValueError) as error:
        return type(error).__name__


# ---- what is refused -------------------------------------------------------------------------


def test_signature_clock_and_key():
    with Binance(seed=1) as venue:
        assert outcome(lambda: place(venue, "a", secret="other")) == -1022
        assert outcome(lambda: place(venue, "a", age_ms=6000)) == -1021
        assert outcome(lambda: place(venue, "a", age_ms=6000, recvWindow=60000)) == 200
        assert outcome(lambda: place(venue, "b", age_ms=-60_000)) == -1021
        assert outcome(lambda: place(venue, "b", recvWindow=60001)) == -1131
        venue.set(skew_ms=60_000)
        assert outcome(lambda: place(venue, "b")) == -1021
        venue.set(skew_ms=0, revoked=["testkey"])
        assert outcome(lambda: place(venue, "b")) == -2015
        assert [order["client_id"] for order in venue.orders()] == ["a"]


def test_filters_and_parameters():
    wrong = {
        "quantity=0.01": ("quantity=0.000001", -1013),
        "price=50000": ("price=50000.001", -1013),
        "type=LIMIT": ("type=LIMITED", -1116),
        "side=BUY": ("side=BOTH", -1117),
        "symbol=BTCUSDT": ("symbol=NOPE", -1121),
        "timeInForce=GTC": ("timeInForce=DAY", -1115),
        "&price=50000": ("", -1102),
        "&quantity=0.01": ("&quantity=0.0123456789", -1111),
        "symbol=": ("colour=red&symbol=", -1104),
    }
    with Binance(seed=1) as venue:
        for part, (instead, code) in wrong.items():
            query = ORDER.replace(part, instead)
            ended = outcome(lambda: signed(venue, "POST", "/api/v3/order", query))
            assert ended == code, (part, instead, ended)
        venue.set(filters={"BTCUSDT": {"tick": "7"}})
        assert outcome(lambda: place(venue, "tick")) == -1013
        venue.set(filters={"BTCUSDT": {"tick": "0.01", "status": "BREAK"}})
        assert outcome(lambda: place(venue, "halt")) == -1013
        assert not venue.orders()


def test_weights_and_order_counts():
    with Binance(1, "--weight-limit", "30", "--order-limit", "2") as venue:
        _, headers, _ = fetch(venue, "GET", "/api/v3/time")
        assert headers["x-mbx-used-weight-1m"] == "1"
        # (So are ten seconds: of six orders two or three may be in one of them and as many after.)
        placed = [place(venue, f"o-{n}") for n in range(6)]
        status, headers, told = next(one for one in placed if one[0] != 200)
        assert (status, told["code"]) == (429, -1015) and int(headers["retry-after"]) > 0
        taken = sum(status == 200 for status, _, _ in placed)
        assert 2 <= taken <= 4, placed
        answers = [fetch(venue, "GET", "/api/v3/exchangeInfo") for _ in range(30)]
        # (The window is the clock's minute: one of these may have fallen into the next.)
        assert 429 in [status for status, _, _ in answers], answers[-1]
        limited = next(headers for status, headers, _ in answers if status == 429)
        assert 0 < int(limited["retry-after"]) <= 60
        assert len(venue.orders()) == taken


# ---- faults of requests ----------------------------------------------------------------------


def test_what_was_applied_and_what_was_not():
    """The line that every adapter must draw: which answers leave an order behind."""
    applied = {
        "accept_then_drop": "RemoteDisconnected",
        "accept_then_reset": "ConnectionResetError",
        "truncated": "IncompleteRead",
        "garbage": "JSONDecodeError",
        "slow_bytes": 200,
        "late": 200,
        "error_1000": -1000,
        "error_1006": -1006,
        "error_1007": -1007,
        "unknown_503": -1000,
        "timeout_408": -1007,
        "html_502": 502,
    }
    refused = {
        "drop_before": "RemoteDisconnected",
        "reset_before": "ConnectionResetError",
        "error_1008": -1008,
        "failed_503": -1001,
        "unavailable_503": -1000,
        "rate_429": -1003,
        "ban_418": -1003,
        "waf_403": 403,
    }
    with Binance(seed=1) as venue:
        for action, ended in {**applied, **refused}.items():
            more = {"seconds": 0.05} if action == "late" else {"every_s": 0.0001, "bytes": 20}
            venue.fault(action, method="POST", path="/api/v3/order", contains=action, **more)
            assert outcome(lambda: place(venue, action)) == ended, action
            assert len(venue.orders(client_id=action)) == int(action in applied), action
            entry = venue.requests(path="/api/v3/order")[-1]
            assert entry["fault"] == action and action in entry["query"]
        assert all(rule["fired"] == 1 for rule in venue.faults())


def test_silence():
    with Binance(seed=1) as venue:
        for action, stands in (("never", 0), ("accept_then_never", 1)):
            venue.fault(action, method="POST", path="/api/v3/order")

            def wait(name=action):
                query = f"{ORDER}&newClientOrderId={name}&timestamp={time.time_ns() // 10**6}"
                sign = hmac.new(b"testsecret", query.encode(), hashlib.sha256).hexdigest()
                path = f"/api/v3/order?{query}&signature={sign}"
                return fetch(venue, "POST", path, timeout_s=0.2)

            asked = len(venue.requests(path="/api/v3/order"))
            assert outcome(wait) == "TimeoutError"
            until(lambda n=asked: len(venue.requests(path="/api/v3/order")) > n, what="it came")
            until(lambda name=action, n=stands: len(venue.orders(client_id=name)) == n, what=action)


def test_a_late_order_stands_only_within_its_window():
    with Binance(seed=1) as venue:
        rule = {"method": "POST", "path": "/api/v3/order", "seconds": 3, "times": 2}
        venue.fault("late_apply", **rule)
        with ThreadPoolExecutor(2) as pool:
            kept = pool.submit(outcome, lambda: place(venue, "kept", recvWindow=60000))
            lost = pool.submit(outcome, lambda: place(venue, "lost", recvWindow=100))
            until(lambda: len(venue.requests(path="/api/v3/order")) == 2)
            assert not venue.orders()  # sent, and nowhere to be found yet
            assert (kept.result(), lost.result()) == (200, -1021)
        assert [order["client_id"] for order in venue.orders()] == ["kept"]


def test_rules_count_and_chance_repeats():
    def struck(seed):
        with Binance(seed=seed) as venue:
            venue.fault("waf_403", path="/api/v3/time", probability=0.3)
            venue.fault("rate_429", path="/api/v3/ping", nth=3, times=2)
            pings = [fetch(venue, "GET", "/api/v3/ping")[0] for _ in range(6)]
            assert pings == [200, 200, 429, 429, 200, 200]
            return [fetch(venue, "GET", "/api/v3/time")[0] for _ in range(40)]

    first = struck(7)
    assert first == struck(7) and first != struck(8)
    assert 4 <= first.count(403) <= 20, first


def test_queries_lag_behind():
    with Binance(seed=1) as venue:
        venue.set(query_lag_ms=60_000)
        assert outcome(lambda: place(venue, "young")) == 200
        ask = "symbol=BTCUSDT&origClientOrderId=young"
        assert outcome(lambda: signed(venue, "GET", "/api/v3/order", ask)) == -2013
        assert signed(venue, "GET", "/api/v3/openOrders", "symbol=BTCUSDT")[2] == []
        venue.set(query_lag_ms=0)
        assert outcome(lambda: signed(venue, "GET", "/api/v3/order", ask)) == 200


# ---- the book --------------------------------------------------------------------------------


def test_a_client_id_is_free_after_the_end():
    with Binance(seed=1) as venue:
        assert [outcome(lambda: place(venue, "x")) for _ in range(2)] == [200, -2010]
        venue.price("BTCUSDT", "50000")
        assert outcome(lambda: place(venue, "x")) == 200  # filled: a second order by the same id
        assert [order["status"] for order in venue.orders(client_id="x")] == ["FILLED", "FILLED"]


def test_partial_fills_keep_the_money_exact():
    with Binance(seed=1) as venue:
        venue.set(pieces=3)
        venue.liquidity("BTCUSDT", "0.004")
        market = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01"
        told = signed(venue, "POST", "/api/v3/order", market)[2]
        assert (told["status"], told["executedQty"]) == ("EXPIRED", "0.00400000"), told
        assert len(told["fills"]) == 3
        place(venue, "rest")
        venue.liquidity("BTCUSDT", "0.003")
        venue.price("BTCUSDT", "49000")
        (rest,) = venue.orders(client_id="rest")
        assert (rest["status"], rest["filled"]) == ("PARTIALLY_FILLED", "0.003")
        signed(venue, "DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=rest")
        book = venue.book()
        assert book["balances"]["USDT"] == {"free": "999610", "locked": "0"}, book["balances"]
        assert book["balances"]["BTC"] == {"free": "10.006993", "locked": "0"}


def test_events_are_lost_doubled_and_shuffled():
    def events(**settings):
        with Binance(seed=3) as venue:
            venue.set(**settings)
            place(venue, "e")
            venue.price("BTCUSDT", "50000")
            return [(e["to"], e["event"].get("x", "")) for e in venue.events()]

    user = [("user", "NEW"), ("user", ""), ("user", "TRADE"), ("user", "")]
    assert events() == user
    assert events(duplicate_fills=1) == user[:3] + user[2:]
    assert events(skip_events=2) == [("skipped", "NEW"), ("skipped", "")] + user[2:]
    assert sorted(events(shuffle_events=4)) == sorted(user) and events(shuffle_events=4) != user


def test_klines_are_the_same_in_every_run():
    path = "/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime=1700000000000&limit=50"
    rows = []
    for seed in (1, 1, 2):
        with Binance(seed=seed) as venue:
            rows.append(fetch(venue, "GET", path)[2])
    assert rows[0] == rows[1] != rows[2] and len(rows[0]) == 50
    assert all(a[4] == b[1] for a, b in zip(rows[0], rows[0][1:]))  # each closes as the next opens


def test_bars_that_came_to_pass_are_in_the_past():
    with Binance(seed=1) as venue:
        path = "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1"
        venue.price("BTCUSDT", "61000")
        venue.price("BTCUSDT", "60500")
        now = fetch(venue, "GET", path)[2][0]
        assert now[4] == "60500.00000000" and now[2] >= now[1], now
        opened = now[0] - 600_000
        venue.bar("BTCUSDT", opened, (1, 4, 0.5, 2), volume=3)
        then = fetch(venue, "GET", f"{path}&startTime={opened}")[2][0]
        assert [float(text) for text in then[1:6]] == [1, 4, 0.5, 2, 3] and then[0] == opened


def test_futures_reduce_and_close():
    with BinanceFutures(seed=1) as venue:
        market = "symbol=BTCUSDT&type=MARKET&newOrderRespType=RESULT"
        path = "/fapi/v1/order"
        signed(venue, "POST", path, market + "&side=BUY&quantity=0.02")
        told = signed(venue, "POST", path, market + "&side=SELL&quantity=0.05&reduceOnly=true")[2]
        assert told["executedQty"] == "0.02", told
        again = market + "&side=SELL&quantity=0.05&reduceOnly=true"
        assert outcome(lambda: signed(venue, "POST", path, again)) == -2022
        assert venue.book()["positions"][0]["quantity"] == "0"


# ---- OpenAlgo --------------------------------------------------------------------------------


def ask(venue, name, **body):
    text = json.dumps(dict(body, apikey=venue.api_key))
    status, _, told = fetch(venue, "POST", "/api/v1/" + name, text)
    return status, told


SBIN = {"strategy": "S", "exchange": "NSE", "symbol": "SBIN", "action": "BUY", "quantity": 10}


def test_openalgo_answers_and_orders():
    stands = {"error_500_after": 1, "html_504_after": 1, "accept_then_drop": 1, "truncated": 1}
    fails = ["reject", "null_orderid", "no_orderid", "error_500", "rate_429", "expired_403"]
    with OpenAlgo(1, "--order-rate", "0") as venue:
        for action in [*stands, *fails, "drop_before", "html_502"]:
            before = len(venue.orders())
            venue.fault(action, path="*/placeorder")
            outcome(lambda: fetch(venue, "POST", "/api/v1/placeorder", body_of(venue)))
            assert len(venue.orders()) - before == stands.get(action, 0), action


def body_of(venue):
    return json.dumps(dict(SBIN, apikey=venue.api_key))


def test_openalgo_fills_are_in_the_tradebook_only():
    with OpenAlgo(1) as venue:
        venue.liquidity("SBIN", 4)
        _, told = ask(venue, "placeorder", **SBIN, pricetype="LIMIT", price=801)
        row = ask(venue, "orderstatus", strategy="S", orderid=told["orderid"])[1]["data"]
        assert row["order_status"] == "open" and row["average_price"] == 0, row
        assert "filled_quantity" not in row
        assert [t["quantity"] for t in ask(venue, "tradebook")[1]["data"]] == [4]
        venue.set(trade_quantity_zero=True, numbers="string")
        trade = ask(venue, "tradebook")[1]["data"][0]
        assert (trade["quantity"], trade["trade_value"]) == ("0", "3200"), trade


def test_openalgo_slips_of_the_plugins():
    with OpenAlgo(1) as venue:
        ask(venue, "placeorder", **SBIN)
        venue.set(leak_status_ms=60_000)
        ask(venue, "placeorder", **SBIN, pricetype="LIMIT", price=700)
        rows = ask(venue, "orderbook")[1]["data"]["orders"]
        assert [row["order_status"] for row in rows] == ["complete", "complete"]
        venue.set(leak_status_ms=0, status_words={"open": "TRANSIT"}, visible_after_ms=0)
        rows = ask(venue, "orderbook")[1]["data"]["orders"]
        assert [row["order_status"] for row in rows] == ["complete", "TRANSIT"]
        venue.set(visible_after_ms=60_000)
        assert ask(venue, "orderbook")[1]["data"]["orders"] == []
        venue.set(visible_after_ms=0, refuse_orders=1)
        status, told = ask(venue, "placeorder", **SBIN)
        assert status == 200 and venue.orders(id=told["orderid"])[0]["status"] == "REJECTED"
        venue.foreign_order(symbol="SBIN", side="SELL", quantity=3, price=900, product="MIS")
        assert len(ask(venue, "orderbook")[1]["data"]["orders"]) == 4


def test_openalgo_modes_are_separate_books():
    with OpenAlgo(1) as venue:
        venue.set(mode="analyze")
        status, told = ask(venue, "placeorder", **SBIN)
        assert status == 200 and told["mode"] == "analyze"
        book = venue.book()
        assert not book["orders"] and len(book["analyze"]["orders"]) == 1
        venue.set(mode="live", expired=True)
        assert ask(venue, "orderbook")[0] == 403


if __name__ == "__main__":
    main()
