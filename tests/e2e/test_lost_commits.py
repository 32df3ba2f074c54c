"""A standby is promoted that never got the last commits. Every host that knew them notices, says so
and does nothing more; after a restart what the exchange has and the tables have not keeps entries
away, and a signal that is sent again orders nothing twice."""

import collections
import contextlib
import random

from cluster import Cluster, Sender
from harness import main, now_iso, until
from servers import Pair


class Losing(Pair):
    """The standby falls behind when it is told to."""

    def leave_behind(self):
        """What is committed from now on never gets there; what was before has."""
        end = self.sql("SELECT pg_current_wal_insert_lsn()")[0][0]
        behind = f"SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn"
        until(lambda: self.sql(behind, self.standby.url) == [["t"]], 30, "it has followed")
        self.sql("ALTER SYSTEM SET primary_conninfo = ''", self.standby.url)
        self.sql("SELECT pg_reload_conf()", self.standby.url)
        gone = "SELECT count(*) FROM pg_stat_replication"
        until(lambda: self.sql(gone) == [["0"]], 30, "it follows no more")


def entry(name, price, layer=1):
    return {
        "strategy": "plain",
        "instrument": name,
        "timestamp": now_iso(),
        "alert": f"{name} {layer} {random.random()}",
        "type": "BASE_ENTRY" if layer == 1 else "PYRAMID",
        "position": f"Long_{layer}",
        "price": price,
        "stop": str(int(price) * 98 // 100),
        "quantity": "0.01",
    }


def leave(name):
    body = {"strategy": "plain", "instrument": name, "timestamp": now_iso()}
    return dict(body, alert=f"{name} out {random.random()}", type="EXIT", position="ALL")


def take(cluster, body):
    """Sent to any host, and the end of it awaited in the tables."""
    answer = cluster.hosts[0].post("/webhook/test", body)
    assert answer.status == 202, answer
    return is_over(cluster, answer.json()["id"])


def is_over(cluster, ident):
    def state():
        rows = cluster.rows(f"SELECT state, reason FROM signals WHERE id = '{ident}'")
        final = ("done", "rejected", "expired", "superseded", "ignored")
        return rows and rows[0][0] in final and rows[0]

    return until(state, 30, f"{ident} is over")


def notices(host):
    with contextlib.suppress(OSError, EOFError, ValueError):
        return "has lost events" in host.get("/health", timeout_s=5).text
    return False


def orders_by_name(cluster):
    return collections.Counter(order["client_id"] for order in cluster.venue.book()["orders"])


def test_a_standby_that_lacks_the_last_commits_is_promoted():
    old = {"entry_max_age": "30d"}
    with Cluster(3, mode="active_passive", pg=Losing(), staleness=old) as cluster:
        assert take(cluster, entry("BTC", "50000"))[0] == "done"
        assert take(cluster, entry("BNB", "600"))[0] == "done"
        cluster.pg.leave_behind()
        lost = [entry("ETH", "3000"), leave("BNB")]
        for body in lost:
            assert take(cluster, body)[0] == "done"
        cluster.pg.promote()
        before = orders_by_name(cluster)
        assert len(before) == 4, before
        for host in cluster.hosts:
            until(lambda host=host: notices(host), 30, "it says what was lost")
            answer = host.post("/webhook/test", dict(leave("BTC"), position="Long_6"))
            assert answer.status == 503 or answer.json().get("spooled"), answer
        assert orders_by_name(cluster) == before
        for host in cluster.hosts:
            host.kill()
        for host in cluster.hosts:
            host.start()
        cluster.leader(30)
        # What the sender sends again, for nobody who was there remembers: its orders have been.
        for body in lost:
            assert take(cluster, body)[0] == "done"
        assert orders_by_name(cluster) == before
        held = cluster.rows("SELECT instrument FROM positions WHERE status <> 'closed' ORDER BY 1")
        assert held == [["BTC"], ["ETH"]], held
        assert take(cluster, entry("BTC", "50000", layer=2))[0] == "done"
        sender = Sender(cluster)
        cluster.judge(sender, 30)


if __name__ == "__main__":
    main(limit_s=120)
