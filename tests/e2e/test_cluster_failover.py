"""Each change of leadership leaves a row, and everybody who looks hears of it."""

import re
import signal as traps

from cluster import Cluster
from harness import main, until


def is_told(host, cluster):
    """What the host says, when that is what the table has: the last one, and the mean of five."""
    rows = cluster.rows(
        "SELECT took_us, lost, found FROM failovers ORDER BY found_term DESC LIMIT 5"
    )
    view = host.get("/health").json()["failover"]
    if not rows or view["count"] != len(rows):
        return None
    took = [int(row[0]) / 1e6 for row in rows]
    last = view["last"]
    same = [last["lost"], last["found"]] == rows[0][1:] and abs(last["took_s"] - took[0]) < 0.002
    return view if same and abs(view["average_s"] - sum(took) / len(took)) < 0.002 else None


def test_a_failover_is_recorded():
    leases = {"ttl": "1s", "dead_after": "1500ms", "failover_target": "100ms"}
    with Cluster(2, leases=leases) as cluster:
        old = cluster.leader(30)
        new = next(host for host in cluster.hosts if host is not old)
        names = {host: f"h{index}" for index, host in enumerate(cluster.hosts)}
        before = int(cluster.rows("SELECT count(*) FROM failovers")[0][0])
        old.process.send_signal(traps.SIGSTOP)  # its session stands: only its silence tells
        until(
            lambda: cluster.rows(
                "SELECT 1 FROM failovers WHERE lost_at <= noticed_at AND noticed_at <= trading_at"
                f" AND lost = '{names[old]}' AND found = '{names[new]}' AND NOT target_met"
            ),
            30,
            "the table has it",
        )
        view = until(lambda: is_told(new, cluster), 30, "who leads now tells it")
        assert view["count"] > before and view["target_s"] == 0.1, view
        assert view["last"]["target_met"] is False and view["last"]["took_s"] >= 1, view
        assert new.get("/api/status").json()["failover"]["count"] >= view["count"]
        new.await_log("it took longer than the target", 30)
        missed = re.search(
            r"^tidelock_failovers_missed_total (\d+)", new.get("/metrics").text, re.M
        )
        assert missed and int(missed[1]) >= 1, new.get("/metrics").text[:2000]
        old.kill()
        old.start(wait=False)
        old.await_ready(30)
        until(lambda: is_told(old, cluster), 30, "who was away reads it from the table")


if __name__ == "__main__":
    main()
