"""Rolling into the next contract with the real program, and through kill -9."""
import time

from harness import Host, default_config, main, signal, until

ROLLING = """
return {
    name = "plain", version = "1", instruments = { "TEST" },
    size = function(f) return { quantity = decimal(2), stop = f.signal.stop } end,
    rollover = function(p, f)
        if p.days_left < 20 then return { now = true, reason = "it expires" } end
    end,
}
"""


def day(ahead):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + ahead * 86400))


NEAR, FAR = day(3), day(40)


def config(host):
    value = default_config(
        host,
        instruments=[
            {"name": "TEST", "exchange": "ALWAYS", "expiries": f"{NEAR}, {FAR}, {day(70)}"}
        ],
        rollover={"every": "300ms"},
    )
    host.write_strategy("plain", ROLLING)
    return value


def started():
    host = Host()
    host.write_config(config(host))
    return host


def open_rows(host):
    return host.get("/api/positions?status=open,closing,partial").json()


def enter(host, position="Long_1", kind="BASE_ENTRY"):
    answer = host.decide(signal(kind, position))
    assert answer.status == 202, answer


def is_rolled(host):
    rows = open_rows(host)
    return rows and all(row["expiry"] == FAR for row in rows)


def kinds(host):
    return [one["kind"] for one in host.get("/api/events?limit=200").json()]


def test_a_position_is_rolled_once():
    with started() as host:
        enter(host)
        until(lambda: is_rolled(host), what="the far contract")
        until(lambda: kinds(host).count("rollover.done") == 1, what="its end")
        rolled = host.get("/api/rollovers?rollover=rolled").json()
        assert [row["expiry"] for row in rolled] == [NEAR], rolled
        assert open_rows(host)[0]["stop"] is not None
        for kind in ("rollover.pending", "rollover.begun", "rollover.opening", "rollover.done"):
            assert kinds(host).count(kind) == 1, kind
        out = host.cli("rollover", "rolled")
        assert out.code == 0 and NEAR in out.out, out
        host.restart()
        assert host.get("/api/reconciliation").json()["last"]["discrepancies"] == []
        assert len(open_rows(host)) == 1


def test_killed_anywhere_it_is_rolled_once():
    for seen in (
        "signal.decided",
        "order.filled",
        "rollover.pending",
        "rollover.begun",
        "rollover.opening",
        "rollover.done",
    ):
        with started() as host:
            enter(host)
            until(lambda kind=seen: kind in kinds(host), what=seen)
            host.kill()
            host.start()
            until(lambda: is_rolled(host), what="the far contract")
            until(lambda: "rollover.done" in kinds(host), what="its end")
            rows = host.get("/api/rollovers").json()
            assert len(rows) == 2, rows
            orders = host.get("/api/orders").json()
            assert len(orders) == 3 and all(one["state"] == "filled" for one in orders), orders
            assert host.get("/api/reconciliation").json()["last"]["discrepancies"] == []
            host.stop()
            assert host.cli("verify").code == 0
            host.start()


if __name__ == "__main__":
    main()
