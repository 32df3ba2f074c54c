"""Killed in the middle of the drain. One host is cut off from the database and keeps signals in its
spool, some of which reach another host as well; when the way is free again it is killed while what
it kept goes into the database, and started again. ROUNDS=12; the judge is the exchange's own book:
nothing promised is lost, nothing is ordered twice."""

import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cluster import Cluster, Sender  # noqa: E402
from harness import main, until  # noqa: E402
from net import Net  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "12"))
SEED = int(os.environ.get("SEED", "1"))
SIGNALS, BOTH = 600, 0.1
# Somebody else has the end of the log most of the time: one group of writes goes between.
SLOWLY = """DO $$ BEGIN FOR i IN 1..20 LOOP
    PERFORM * FROM log_head FOR UPDATE; PERFORM pg_sleep(0.15); COMMIT; END LOOP; END $$"""


def health(host):
    return host.get("/health").json()


def keep(cluster, sender, host, chance):
    """Signals into the spool of `host`; the ids that nobody else was given."""
    alone = []
    for _ in range(SIGNALS):
        body = sender.make(chance)
        answer = host.post("/webhook/test", body)
        assert answer.status == 202 and answer.json().get("spooled"), answer
        sender.promised.add(answer.json()["id"])
        if chance.random() > BOTH:
            alone.append(answer.json()["id"])
            continue
        other = chance.choice([h for h in cluster.hosts if h is not host])
        if other.post("/webhook/test", body).status == 503:
            alone.append(answer.json()["id"])
    return alone


def arrived(cluster, idents):
    names = ",".join(f"'{ident}'" for ident in idents)
    return int(cluster.rows(f"SELECT count(*) FROM signals WHERE id IN ({names})")[0][0])


def one_round(cluster, sender, chance):
    """How many of the signals kept had reached the database when the host died."""
    host = chance.choice(cluster.hosts)
    host.node.cut(cluster.pg.port)
    until(lambda: health(host)["spool"]["away"], 30, "it says away")
    alone = keep(cluster, sender, host, chance)
    slower = threading.Thread(target=cluster.rows, args=(SLOWLY,))
    slower.start()
    host.node.heal()
    until(lambda: arrived(cluster, alone) > 0, 30, "the drain has begun")
    host.kill()
    drained = arrived(cluster, alone)
    slower.join()
    if chance.random() < 0.3:  # and whoever leads, too
        other = chance.choice([h for h in cluster.hosts if h is not host])
        other.kill()
        other.start(wait=False, deadline_s=40)
    host.start(wait=False, deadline_s=40)
    for each in cluster.hosts:
        each.await_ready(60)
    until(lambda: health(host)["spool"]["signals"] == 0, 60, "the spool is empty")
    return 0 < drained < len(alone)


def soak(mode):
    chance, middle = random.Random(SEED), 0
    with Net() as net, Cluster(3, mode=mode, net=net) as cluster:
        for number in range(ROUNDS):
            sender = Sender(cluster, seed=SEED + number, threads=2, pause_s=0.1)
            sender.serial = number * 100000  # a signal of its own each
            middle += one_round(cluster, sender, chance)
            cluster.judge(sender, 15)
            print(f"    {mode}: {number + 1} kills, {middle} in the middle", flush=True)
    assert middle > 0, "the host was never killed in the middle of the drain"


def test_killed_in_the_middle_active_active():
    soak("active_active")


def test_killed_in_the_middle_active_passive():
    soak("active_passive")


if __name__ == "__main__":
    main(limit_s=1200)
