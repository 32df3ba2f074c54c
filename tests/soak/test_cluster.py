"""Several hosts, many deaths: what the slice of e2e/test_cluster.py shows once, as often as it
takes to meet the rare moments. KILLS=200 kill -9 of random hosts under load, judged every 20."""

import os
import random
import signal as traps
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cluster import Cluster, Sender, leads  # noqa: E402
from harness import main, until  # noqa: E402

KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", "1"))


def kill_often(cluster, chance, kills, sender):
    """One host at a time, sometimes two; each starts again, and the life of the rest goes on."""
    for _ in range(kills):
        sender.await_promises(chance.randrange(5, 25), 30)
        host = chance.choice(cluster.living())
        host.kill()
        sender.await_promises(chance.randrange(1, 8), 30)
        host.start(wait=chance.random() < 0.5, deadline_s=30)


def soak(mode, kills, **changes):
    chance = random.Random(SEED)
    done, promised = 0, 0
    with Cluster(3, mode=mode, **changes) as cluster:
        while done < kills:
            with Sender(cluster, seed=SEED * 1000 + done) as sender:
                kill_often(cluster, chance, min(20, kills - done), sender)
            for host in cluster.hosts:
                host.await_ready(30)
            cluster.judge(sender)
            done += 20
            promised += len(sender.promised)
            print(f"    {mode}: {done} kills, {promised} promises kept", flush=True)


def test_kills_active_active():
    soak("active_active", KILLS // 2)


def test_kills_active_passive():
    soak("active_passive", KILLS // 4)


def test_kills_without_redis():
    soak("active_active", KILLS - KILLS // 2 - KILLS // 4, redis=False)


def test_pauses():
    """Hosts, Redis and the database stand still at random, longer and shorter than a lease."""
    chance = random.Random(SEED)
    with Cluster(3) as cluster:
        with Sender(cluster, seed=SEED) as sender:
            for _ in range(max(4, KILLS // 10)):
                sender.await_promises(10, 60)
                stopped = chance.choice([*cluster.hosts, cluster.pg, cluster.redis])
                if stopped in cluster.hosts:
                    stopped.process.send_signal(traps.SIGSTOP)
                else:
                    stopped.pause()
                sender.stopping.wait(chance.choice((0.2, 0.8, 1.3, 2.5)))
                if stopped in cluster.hosts:
                    stopped.process.send_signal(traps.SIGCONT)
                else:
                    stopped.resume()
        until(lambda: all(map(cluster.term_of, cluster.hosts)), 15, "all have joined again")
        cluster.judge(sender)


def test_a_failover_is_recorded():
    """From the last sign of life of who stands still to the next one trading; its target is missed,
    and everybody who looks hears of it, after a restart too."""
    leases = {"ttl": "1s", "dead_after": "1500ms", "failover_target": "100ms"}
    with Cluster(2, leases=leases) as cluster:
        old = cluster.leader()
        new = next(host for host in cluster.hosts if host is not old)
        before = new.get("/health").json()["failover"]["count"]
        old.process.send_signal(traps.SIGSTOP)
        try:
            until(lambda: leads(new), 20, "the other one leads")

            def told(host=new):
                view = host.get("/health").json()["failover"]
                return view["count"] > before and view

            view = until(told, 10, "it is recorded")
            last = view["last"]
            assert 1.0 <= last["took_s"] < 20 and last["target_met"] is False, view
            assert view["target_s"] == 0.1 and view["average_s"] > 0, view
            took = cluster.rows("SELECT took_us FROM failovers ORDER BY found_term")
            assert abs(int(took[-1][0]) / 1e6 - last["took_s"]) < 0.01, (took, view)
            kept = [int(row[0]) / 1e6 for row in took[-5:]]
            assert abs(view["average_s"] - sum(kept) / len(kept)) < 0.01, (view, kept)
            assert new.get("/api/status").json()["failover"] == view
            metrics = new.get("/metrics").text
            assert "tidelock_failovers_missed_total 1" in metrics, metrics
            assert "tidelock_failover_target_seconds 0.1" in metrics
            new.await_log("it took longer than the target")
            new.restart()  # which is one more: the one before is read from the table
            until(lambda: told(new) and told(new)["count"] > view["count"], 20, "it remembers")
        finally:
            old.process.send_signal(traps.SIGCONT)


if __name__ == "__main__":
    main(limit_s=3000)
