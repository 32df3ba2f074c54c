"""Our book against the broker's, with the real program: the paper broker's journal is its book, and
between two starts somebody else writes in it."""
import os

from harness import SLOW, Host, default_config, main, signal, until

RECONCILING = """
return {
    name = "plain", version = "1", instruments = { "TEST" },
    size = function(f)
        return { quantity = f.signal.quantity or decimal(2), stop = f.signal.stop }
    end,
    reconcile = function(d, f)
        if d.kind == "position_missing_there" then return "close_here" end
        if d.kind == "position_missing_here" then
            return { action = "adopt", reason = "of this account" }
        end
        if d.kind == "quantity_differs" then return "use_broker" end
    end,
}
"""


def journal(host):
    return os.path.join(host.folder, "tidelock.db.paper")


def trade_there(host, order_id, side, lots, price="100"):
    """An order and its fill that the host knows nothing of."""
    with open(journal(host), "a", encoding="utf-8") as book:
        row = [order_id, "P900", "", "TEST", side, "MARKET", "DAY", str(lots), "", "", price]
        book.write("\t".join(["O", *row]) + "\n")
        book.write("\t".join(["F", order_id, "T901", str(lots), price, "0", "1"]) + "\n")


def rest_there(host, order_id, lots, limit):
    with open(journal(host), "a", encoding="utf-8") as book:
        row = [order_id, "P902", "", "TEST", "BUY", "LIMIT", "GTC", str(lots), limit, "", limit]
        book.write("\t".join(["O", *row]) + "\n")


def enter(host, position="Long_1", kind="BASE_ENTRY", **fields):
    answer = host.decide(signal(kind, position, quantity="2", **fields))
    assert answer.status == 202, answer
    return answer.json()


def lots(host):
    rows = host.get("/api/positions?status=open,closing,partial").json()
    return sum(float(row["quantity"]) * (1 if row["side"] == "LONG" else -1) for row in rows)


def filled(host):
    until(lambda: lots(host) > 0, what="a position")


def last(host):
    return host.get("/api/reconciliation").json()["last"]


def test_the_books_are_equal_at_a_start():
    with Host() as host:
        enter(host)
        filled(host)
        host.restart()
        report = last(host)
        assert report["trigger"] == "start" and report["complete"], report
        assert report["discrepancies"] == [], report
        assert host.get("/health").json()["checks"]["reconciliation"]["status"] == "pass"
        events = host.get("/api/events?kind=reconciliation.done").json()
        assert len(events) == 2, events


def test_what_is_gone_there_blocks_entries_until_it_is_settled():
    with Host() as host:
        enter(host)
        filled(host)
        host.stop()
        trade_there(host, "by-hand", "SELL", 1)
        host.start()
        one = last(host)["discrepancies"][0]
        assert one["kind"] == "position_missing_there", one
        assert one["decision"]["action"] == "alert" and one["blocks_entries"], one
        assert lots(host) == 1
        assert enter(host, "Long_2", "PYRAMID")["decision"]["gate"] == "reconciliation"
        assert host.get("/health").json()["checks"]["reconciliation"]["status"] == "warn"
        out = host.cli("reconcile", "accept", "TEST", "--reason", "mine, sold by hand")
        assert out.code == 0, out
        assert enter(host, "Long_3", "PYRAMID")["decision"]["verdict"] == "accept"


def test_what_was_accepted_stays_so_over_a_restart_and_no_longer_than_it_is_the_same():
    with Host() as host:
        enter(host)
        filled(host)
        host.stop()
        trade_there(host, "by-hand", "BUY", 2)
        host.start()
        assert last(host)["discrepancies"][0]["decision"]["action"] == "alert", last(host)
        assert host.cli("reconcile", "accept", "TEST", "--reason", "mine").code == 0
        host.restart()
        one = last(host)["discrepancies"][0]
        assert one["decision"] == {**one["decision"], "action": "ignore", "by": "operator"}, one
        assert not one["blocks_entries"], one
        assert enter(host, "Long_2", "PYRAMID")["decision"]["verdict"] == "accept"
        host.stop()
        trade_there(host, "by-hand-2", "BUY", 1)
        host.start()
        assert last(host)["discrepancies"][0]["decision"]["action"] == "alert", last(host)


def test_policies_adopt_close_and_use_the_brokers_lots():
    with Host() as host:
        host.write_strategy("plain", RECONCILING)
        host.restart()
        enter(host)
        filled(host)
        for order_id, side, traded, after in (
            ("by-hand-1", "BUY", 3, 5),
            ("by-hand-2", "SELL", 1, 4),
            ("by-hand-3", "SELL", 4, 0),
            ("by-hand-4", "BUY", 7, 7),
        ):
            host.stop()
            trade_there(host, order_id, side, traded)
            host.start()
            assert lots(host) == after, (order_id, last(host))
            assert last(host)["positions_synced"] == 1, last(host)
        host.restart()
        assert last(host)["discrepancies"] == [], last(host)
        host.stop()
        verified = host.cli("verify")
        assert verified.code == 0, verified
        host.start()


def test_orders_of_ours_are_adopted_others_left_alone():
    ours, theirs = "abcdefghij234567klmn", "by-hand"
    with Host() as host:
        host.stop()
        rest_there(host, ours, 1, "90")
        rest_there(host, theirs, 1, "91")
        host.start()
        report = last(host)
        kinds = {one["order_id"] or "": one for one in report["discrepancies"]}
        assert kinds[ours]["kind"] == "orphan_order", report
        assert kinds[ours]["decision"]["action"] == "adopt", report
        assert kinds[theirs]["kind"] == "unknown_order", report
        assert kinds[theirs]["decision"]["action"] == "ignore", report
        state = lambda: host.get(f"/api/orders?id={ours}").json()[0]["state"]
        until(lambda: state() == "acknowledged", what="the adopted order")
        host.stop()  # cancels what is open of ours, and nothing else
        book = open(journal(host), encoding="utf-8").read()
        assert f"E\t{ours}\tcancelled" in book and f"E\t{theirs}" not in book, book
        host.start()


def test_on_demand_and_dry():
    with Host() as host:
        host.write_strategy("plain", RECONCILING)
        host.restart()
        out = host.cli("reconcile", "--json")
        assert out.code == 0 and out.json()["trigger"] == "demand", out
        assert "the books are equal" in host.cli("reconcile").out
        host.stop()
        trade_there(host, "by-hand", "BUY", 2)
        config = default_config(host, reconcile={"dry_run": True})
        host.write_strategy("plain", RECONCILING)
        host.write_config(config)
        host.start()
        out = host.cli("reconcile", "--dry-run")
        assert out.code == 0 and "adopt by policy" in out.out, out
        assert lots(host) == 0


def test_it_does_not_delay_a_start():
    with Host() as host:
        host.restart()
        host.await_log(r'"msg":"ready"')
        took = [row["took_ms"] for row in host.log_rows() if row.get("msg") == "ready"]
        assert min(took) < 5000 * SLOW, took  # shorter than any deadline it could have waited for


if __name__ == "__main__":
    main()
