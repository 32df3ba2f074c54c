"""The Binance adapter through the whole host, against a simulated venue: what the venue's own book
says is the truth, whatever was cut, late, refused or told twice on the way.
"""
import calendar
import os
import sys
import tempfile
import time
from decimal import Decimal as D

from harness import ROOT, Host, command, default_config, free_port, main, now_iso, signal, until

sys.path.insert(0, os.path.join(ROOT, "tests", "venues"))
from venue import Binance, BinanceFutures  # noqa: E402

ORDER = "/api/v3/order"
STRATEGY = """return {
    name = "plain", version = "1", instruments = "*",
    gates = {{name = "always", check = function() return true end}},
    size = function(facts)
        local wish = {quantity = facts.signal.quantity or decimal("0.01"), limited_by = "test",
                      stop = facts.signal.stop}
        if facts.signal.atr then -- the test's word for: as a limit order
            wish.kind, wish.limit_price = "limit", facts.signal.price
        end
        return wish
    end,
}
"""
INSTRUMENT = {
    "name": "BTC",
    "symbol": "BTCUSDT",
    "tick": "0.01",
    "quantity_step": "0.00001",
    "min_quantity": "0.00001",
}


def start(venue, start=True, broker=None, **changes):
    """A host on the venue; with Ed25519 unless `broker` says otherwise."""
    host = Host(env={"BINANCE_KEY": venue.ed25519_key})
    secret = os.path.join(host.folder, "secret")
    with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(venue.ed25519_pem)
    settings = {
        "kind": "binance",
        "api_key": "env:BINANCE_KEY",
        "private_key": "file:" + secret,
        "base_url": venue.url,
        "ws_url": venue.ws_url,
        "recv_window": "2s",
        "processing": "1s",
        **(broker or {}),
    }
    config = default_config(host, broker=settings, instruments=[INSTRUMENT], **changes)
    config["account"] = {"currency": "USDT", "deposit": "100000"}
    host.write_strategy("plain", STRATEGY)
    host.write_config(config)
    if start:
        host.start(deadline_s=20)
        streaming(host)
    return host


class Pair:
    """A venue, spot unless another is given, and a host that hears of its orders there."""

    def __init__(self, venue=None, **options):
        self.venue = venue or Binance(seed=1)
        self.venue.price("BTCUSDT", "50000")
        try:
            self.host = start(self.venue, **options)
        except BaseException:
            self.venue.close()
            raise

    def __enter__(self):
        return self.venue, self.host

    def __exit__(self, kind, *rest):
        self.host.__exit__(kind, *rest)
        self.venue.close()


def streaming(host, count=1):
    until(
        lambda: host.log().count("the stream of our orders is open") >= count,
        15,
        f"stream {count} of our orders",
    )


def enter(host, position="Long_1", **fields):
    fields = {
        "instrument": "BTC",
        "price": "50000",
        "stop": "49000",
        "atr": None,
        "quantity": "0.01",
        **fields,
    }
    answer = host.decide(signal(position=position, **fields))
    assert answer.status in (200, 202), answer
    decision = answer.json()["decision"]
    assert decision["verdict"] == "accept", decision
    return answer.json()


def leave(host):
    return enter(host, "ALL", type="EXIT", price=None, stop=None, quantity=None)


def orders(host):
    return host.get("/api/orders?limit=1000").json()


def one_order(host, state, deadline_s=15):
    def there():
        rows = [row for row in orders(host) if row["state"] == state]
        return rows[0] if rows else None

    return until(there, deadline_s, f"an order that is {state}: {orders(host)}")


def held(host):
    rows = host.get("/api/positions?status=open,closing,partial&limit=1000").json()
    return sum((D(row["quantity"]) for row in rows), D(0))


def agree(venue, host, holds, count):
    """Ours and theirs say the same: `count` orders in their book, `holds` in ours, no id twice."""
    until(lambda: held(host) == D(holds), 20, f"holding {holds}, not {held(host)}")
    book = venue.orders()
    assert len(book) == count, book
    ids = [order["client_id"] for order in book]
    assert len(set(ids)) == len(ids), ids
    trades = venue.book()["trades"]
    bought = sum(D(t["quantity"]) * (1 if t["side"] == "BUY" else -1) for t in trades)
    assert bought == D(holds), trades


def test_a_market_entry_and_its_exit_are_filled():
    with Pair() as (venue, host):
        enter(host)
        agree(venue, host, "0.01", 1)
        assert one_order(host, "filled")["broker_id"] == str(venue.orders()[0]["id"])
        leave(host)
        agree(venue, host, "0", 2)


def test_an_hmac_key_signs_too():
    with Binance(seed=2) as venue:
        venue.price("BTCUSDT", "50000")
        host = start(venue, start=False)
        host.env.update(BINANCE_KEY=venue.api_key, BINANCE_SECRET=venue.api_secret)
        text = open(host.config_path, encoding="utf-8").read()
        lines = [line for line in text.splitlines() if "private_key" not in line]
        at = next(n for n, line in enumerate(lines) if "api_key" in line)
        lines.insert(at, 'secret = "env:BINANCE_SECRET",')
        host.write_config("\n".join(lines))
        with host:
            streaming(host)
            enter(host)
            agree(venue, host, "0.01", 1)


def test_the_answer_is_lost_and_the_order_is_found():
    for action in (
        "accept_then_drop",
        "accept_then_reset",
        "truncated",
        "error_1006",
        "error_1007",
        "html_502",
        "unknown_503",
    ):
        with Pair() as (venue, host):
            venue.fault(action, method="POST", path=ORDER)
            enter(host)
            agree(venue, host, "0.01", 1)
            assert len(venue.requests(method="POST", path=ORDER)) == 1, action


def test_a_request_that_never_arrived_is_sent_again_after_the_proof():
    for action in ("drop_before", "reset_before"):
        with Pair(broker={"recv_window": "1s", "processing": "200ms"}) as (venue, host):
            venue.fault(action, method="POST", path=ORDER)
            enter(host)
            agree(venue, host, "0.01", 1)
            sent = venue.requests(method="POST", path=ORDER)
            assert len(sent) == 2
            assert sent[1]["at_ms"] - sent[0]["at_ms"] >= 1200, "before the proof"
            assert one_order(host, "filled")["attempt"] == 2


def test_an_order_that_shows_late_is_not_sent_twice():
    with Pair() as (venue, host):
        venue.set(query_lag_ms=1500)
        venue.fault("accept_then_drop", method="POST", path=ORDER)
        venue.cut()
        venue.set(skip_events=9)
        enter(host)
        agree(venue, host, "0.01", 1)
        assert len(venue.requests(method="POST", path=ORDER)) == 1


def test_too_many_requests_wait_as_long_as_asked():
    for action in ("rate_429", "ban_418"):
        with Pair() as (venue, host):
            venue.fault(action, method="POST", path=ORDER, retry_after=2)
            enter(host)
            agree(venue, host, "0.01", 1)
            log = venue.requests()
            told = next(entry["at_ms"] for entry in log if entry["fault"] == action)
            # What was on its way already may come in a moment after.
            early = [entry for entry in log if told + 300 < entry["at_ms"] < told + 1900]
            assert not early, early
            sent = [entry["at_ms"] for entry in venue.requests(method="POST", path=ORDER)]
            assert sent[1] - told >= 1900, (told, sent)


def test_a_clock_that_runs_away_is_measured_again():
    with Pair() as (venue, host):
        venue.set(skew_ms=-30000)
        enter(host)
        agree(venue, host, "0.01", 1)
        venue.set(skew_ms=20000)
        leave(host)
        agree(venue, host, "0", 2)
        assert "does not take our time" in host.log()


def test_a_rejection_is_final_and_its_reason_is_kept():
    with Pair() as (venue, host):
        venue.fault("error_2010", method="POST", path=ORDER)
        enter(host)
        assert "insufficient balance" in one_order(host, "rejected")["reason"]
        assert held(host) == 0 and not venue.orders()


def test_what_breaks_a_filter_is_not_sent():
    with Pair() as (venue, host):
        venue.set(filters={"BTCUSDT": {"notional": "1000"}})
        enter(host)  # the venue's own refusal, under the rules we read at the start
        assert "NOTIONAL" in one_order(host, "rejected")["reason"]
    with Binance(seed=1) as venue:
        venue.price("BTCUSDT", "50000")
        venue.set(filters={"BTCUSDT": {"notional": "1000"}})
        with start(venue, start=False) as host:
            streaming(host)
            enter(host)
            assert "worth 500 is below the least 1000" in one_order(host, "rejected")["reason"]
            assert not venue.requests(method="POST", path=ORDER)


def test_a_limit_rests_and_the_stream_tells_its_fills():
    with Pair() as (venue, host):
        venue.set(duplicate_fills=9)
        enter(host, price="49500", atr="1")
        one_order(host, "acknowledged")
        order = venue.orders()[0]
        assert order["status"] == "NEW" and order["price"] == "49500"
        venue.fill(order["id"], "0.004")
        until(lambda: held(host) == D("0.004"), 3)
        venue.price("BTCUSDT", "49400")
        agree(venue, host, "0.01", 1)
        one_order(host, "filled")


def test_a_fill_the_stream_swallowed_is_noticed_by_the_next():
    with Pair() as (venue, host):
        enter(host, price="49500", atr="1")
        one_order(host, "acknowledged")
        order = venue.orders()[0]["id"]
        venue.set(skip_events=1)
        venue.fill(order, "0.003")
        venue.fill(order, "0.002")
        until(lambda: held(host) == D("0.005"), 3, "the fill that was not told")


def test_after_a_cut_stream_every_order_is_asked_about():
    with Pair() as (venue, host):
        enter(host, price="49500", atr="1")
        one_order(host, "acknowledged")
        venue.set(skip_events=1)
        assert venue.cut() >= 1
        venue.fill(venue.orders()[0]["id"])
        streaming(host, 2)
        agree(venue, host, "0.01", 1)
        assert '"orders_asked_about":1' in host.log()


def test_a_market_order_in_pieces_and_one_that_runs_out_of_book():
    with Pair() as (venue, host):
        venue.set(pieces=3)
        enter(host, quantity="0.03")
        agree(venue, host, "0.03", 1)
        venue.liquidity("BTCUSDT", "0.01")
        enter(host, "Long_2", type="PYRAMID", quantity="0.03")
        one_order(host, "expired")
        agree(venue, host, "0.04", 2)


def test_shutting_down_cancels_and_keeps_what_was_filled_unseen():
    with Pair() as (venue, host):
        enter(host, price="49500", atr="1")
        one_order(host, "acknowledged")
        venue.set(skip_events=1)
        venue.fill(venue.orders()[0]["id"], "0.004")
        assert host.stop() == 0
        order = venue.orders()[0]
        assert order["status"] == "CANCELED" and order["filled"] == "0.004", order
        host.start(deadline_s=20)
        agree(venue, host, "0.004", 1)
        assert one_order(host, "cancelled")["filled"] == "0.004"


def test_what_happened_while_the_host_was_dead_is_found():
    with Pair() as (venue, host):
        enter(host, price="49500", atr="1")
        one_order(host, "acknowledged")
        host.kill()
        venue.price("BTCUSDT", "49000")
        host.start(deadline_s=20)
        agree(venue, host, "0.01", 1)


def test_killed_between_sending_and_the_answer():
    with Pair() as (venue, host):
        venue.fault("accept_then_never", method="POST", path=ORDER)
        enter(host)
        until(lambda: venue.orders(), 10, "the order at the venue")
        host.kill()
        host.start(deadline_s=20)
        agree(venue, host, "0.01", 1)
        assert len(venue.requests(method="POST", path=ORDER)) == 1


def stops(venue):
    rows = [o for o in venue.orders() if o["status"] in ("NEW", "TRIGGER") and "STOP" in o["type"]]
    return [(o["side"], D(o["quantity"]), D(o["stop"])) for o in rows]


def test_a_protective_stop_rests_there_gives_way_and_triggers():
    with Pair(strategies=[{"name": "plain", "protect": "broker"}]) as (venue, host):
        enter(host)
        until(lambda: stops(venue) == [("SELL", D("0.01"), D("49000"))], 15, "the stop there")
        leave(host)
        until(lambda: held(host) == 0 and not stops(venue), 15, "out, and no stop left")
        enter(host, timestamp=now_iso(-5))
        until(lambda: stops(venue), 15, "the second stop there")
        host.kill()
        venue.price("BTCUSDT", "48900")
        host.start(deadline_s=20)
        until(lambda: held(host) == 0, 15, "the stop that triggered meanwhile")
        assert not stops(venue)
        trades = venue.book()["trades"]
        assert sum(D(t["quantity"]) * (1 if t["side"] == "BUY" else -1) for t in trades) == 0


# ---- prices ----------------------------------------------------------------------------------


def watch(venue, stream_url=None):
    """A host on the paper broker that follows the venue's prices."""
    host = Host()
    feed = {
        "instrument": "BTC",
        "bars": "binance",
        "interval": "1m",
        "warm_up": 50,
        "url": venue.url,
        "stream_url": stream_url or venue.ws_url,
    }
    config = default_config(host, instruments=[INSTRUMENT], feeds=[feed])
    host.write_strategy("plain", STRATEGY)
    host.write_config(config)
    return host


def check(host, name):
    return host.get("/health").json()["checks"][name]


def entered_at(host):
    rows = host.get("/api/positions?status=open,closing,partial&limit=10").json()
    return [D(row["entry_price"]) for row in rows]


def said(host, **fields):
    body = signal(
        instrument="BTC", price="50000", stop="49000", atr=None, quantity="0.01", **fields
    )
    return host.decide(body).json()["decision"]


def test_the_paper_broker_trades_at_the_prices_of_the_stream():
    with Binance(seed=3) as venue, watch(venue) as host:
        host.await_log("the stream of prices is open")
        venue.price("BTCUSDT", "50123")
        until(lambda: check(host, "data_freshness")["status"] == "pass", 10)
        until(lambda: said(host)["verdict"] == "accept", 5)
        until(lambda: entered_at(host), 5)
        assert abs(entered_at(host)[0] - 50123) < 10, entered_at(host)
        assert check(host, "websocket_alive")["status"] == "pass"
        bars = until(lambda: host.get("/api/bars?instrument=BTC").json().get("BTC"), 10)
        assert len(bars) >= 50
        steps = {later[0] - earlier[0] for earlier, later in zip(bars, bars[1:])}
        assert steps == {60000}, steps


def test_prices_are_polled_while_there_is_no_stream():
    with Binance(seed=3) as venue:
        with watch(venue, stream_url=f"ws://127.0.0.1:{free_port()}") as host:
            venue.price("BTCUSDT", "50500")
            until(lambda: said(host)["verdict"] == "accept", 10)
            until(lambda: entered_at(host), 5)
            assert abs(entered_at(host)[0] - 50500) < 10, entered_at(host)
            assert check(host, "websocket_alive")["status"] == "warn"
            assert check(host, "data_freshness")["status"] == "pass"


def test_no_entry_while_the_price_is_stale():
    with Binance(seed=3) as venue, watch(venue) as host:
        host.await_log("the stream of prices is open")
        venue.price("BTCUSDT", "50000")
        until(lambda: said(host)["verdict"] == "accept", 5)
        until(lambda: entered_at(host), 5)
        venue.set(refuse_connections=True)
        venue.fault("drop_before", path="/api/v3/*", times=0)
        venue.cut()
        until(lambda: check(host, "data_freshness")["status"] == "warn", 20)
        entry = said(host, kind="PYRAMID", position="Long_2")
        assert entry["verdict"] == "reject" and entry["gate"] == "stale_price", entry
        assert "s old" in entry["reason"]
        closing = said(host, kind="EXIT", position="ALL")
        assert closing["verdict"] == "accept", closing
        venue.set(refuse_connections=False)
        venue.calm()
        until(lambda: check(host, "data_freshness")["status"] == "pass", 40)


# ---- the past --------------------------------------------------------------------------------


def download(venue, *words):
    return command("bars", "binance", "BTCUSDT", *words, "--url", venue.url, deadline_s=60)


def test_bars_of_the_past_are_downloaded_page_by_page():
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 2 * 86400))
    with Binance(seed=4) as venue:
        venue.fault("rate_429", path="/api/v3/klines", nth=2, retry_after=1)
        venue.fault("html_502", path="/api/v3/klines", nth=2)
        done = download(venue, "1m", "--from", day)
        assert done.code == 0, done
        rows = [line.split(",") for line in done.out.splitlines()]
        assert rows[0] == ["time", "open", "high", "low", "close", "volume"]
        rows = rows[1:]
        assert len(rows) >= 2 * 1440 and rows[0][0] == day + "T00:00:00Z"
        times = [calendar.timegm(time.strptime(row[0], "%Y-%m-%dT%H:%M:%SZ")) for row in rows]
        assert {b - a for a, b in zip(times, times[1:])} == {60}
        assert times[-1] + 60 <= time.time(), "an open bar"
        assert len(venue.requests(path="/api/v3/klines")) >= 5


def test_downloaded_bars_are_a_whole_file_that_a_backtest_takes():
    with Binance(seed=4) as venue, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bars.csv")
        done = download(
            venue, "1h", "--from", "2026-01-01", "--to", "2026-02-01T00:00:00Z", "--out", path
        )
        assert done.code == 0 and "744 bars in" in done.err, done
        told = command("backtest", "strategies/pyramid", "--bars", path, "--quiet")
        assert told.code == 0, told
        venue.fault("waf_403", path="/api/v3/klines", times=0)
        broken = os.path.join(folder, "broken.csv")
        done = download(venue, "1h", "--from", "2026-01-01", "--out", broken)
        assert done.code == 1 and "403" in done.err, done
        assert os.listdir(folder) == ["bars.csv"]


def test_bars_refuse_what_they_cannot_ask():
    with Binance(seed=4) as venue:
        for words, said_ in (
            (("7m", "--from", "2026-01-01"), "is none of 1m"),
            (("1h",), "--from TIME is needed"),
            (("1h", "--from", "soon"), "soon"),
            (("1h", "--from", "2026-01-02", "--to", "2026-01-01"), "after --from"),
        ):
            done = download(venue, *words)
            assert done.code == 2 and said_ in done.err, done
        assert not venue.requests()


# ---- USD-M -----------------------------------------------------------------------------------


def test_futures_go_long_and_short_and_back():
    with BinanceFutures(seed=5) as venue:
        venue.price("BTCUSDT", "50000")
        host = start(venue, start=False, broker={"market": "usdm"})
        with host:
            streaming(host)
            enter(host)
            agree(venue, host, "0.01", 1)
            leave(host)
            agree(venue, host, "0", 2)
            exits = [r for r in venue.requests(method="POST") if "SELL" in r["body"]]
            assert "reduceOnly=true" in exits[0]["body"], exits
            venue.fault("unknown_503", method="POST", path="/fapi/v1/order")
            enter(host, "Short_1", side="SHORT", stop="51000")
            until(lambda: held(host) == D("0.01"), 15)
            assert D(venue.book()["positions"][0]["quantity"]) == D("-0.01"), venue.book()


def algos(venue):
    return [a for a in venue.book()["algos"] if a["algoStatus"] == "NEW"]


def test_a_futures_stop_rests_in_its_own_service_gives_way_and_triggers():
    with BinanceFutures(seed=5) as venue:
        venue.price("BTCUSDT", "50000")
        changes = {"strategies": [{"name": "plain", "protect": "broker"}]}
        with start(venue, start=False, broker={"market": "usdm"}, **changes) as host:
            streaming(host)
            enter(host)
            until(lambda: algos(venue), 15, "the stop there")
            assert algos(venue)[0]["triggerPrice"] == "49000" and algos(venue)[0]["reduceOnly"]
            leave(host)
            until(lambda: held(host) == 0 and not algos(venue), 15, "out, and no stop left")
            venue.fault("accept_then_drop", method="POST", path="/fapi/v1/algoOrder")
            enter(host, timestamp=now_iso(-5))
            until(lambda: algos(venue), 15, "the second stop there")
            until(lambda: [o for o in orders(host) if o["state"] == "acknowledged"], 15)
            host.kill()
            host.start(deadline_s=20)
            assert "books differ" not in host.log() and "broker's differ" not in host.log()
            assert len(algos(venue)) == 1 and held(host) == D("0.01")
            venue.price("BTCUSDT", "48900")
            until(lambda: held(host) == 0, 15, "the stop that triggered")
            assert not algos(venue)
            assert all(D(p["quantity"]) == 0 for p in venue.book()["positions"])


def test_a_futures_order_that_failed_for_certain_is_sent_again():
    with Pair(BinanceFutures(seed=5), broker={"market": "usdm"}) as (venue, host):
        venue.fault("failed_503", method="POST", path="/fapi/v1/order")
        enter(host)
        agree(venue, host, "0.01", 1)


def test_a_futures_stream_that_was_cut_is_caught_up_with():
    with Pair(BinanceFutures(seed=5), broker={"market": "usdm"}) as (venue, host):
        enter(host, price="49500", atr="1")
        one_order(host, "acknowledged")
        order = venue.orders()[0]["id"]
        venue.fill(order, "0.004")
        until(lambda: held(host) == D("0.004"), 3)
        venue.set(skip_events=1)
        assert venue.cut() >= 1
        venue.fill(order)
        streaming(host, 2)
        agree(venue, host, "0.01", 1)


if __name__ == "__main__":
    main(limit_s=120)
