"""Whole hosts on machines of their own, and everything around them in trouble: wires cut at random,
servers that fail over, are full, stand still, lock each other out. ROUNDS=40 of each; the judge is
the exchange's own book: 0 lost, 0 doubled, 0 stuck after 5 s of quiet."""

import contextlib
import os
import random
import signal as traps
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cluster import Cluster, Sender  # noqa: E402
from harness import main  # noqa: E402
from net import Net  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "40"))
SEED = int(os.environ.get("SEED", "1"))
VERDICTS = (
    "drop",
    "drop",
    "reject with tcp reset",
    "meta length > 70 drop",
    "ct bytes > 4000 drop",
    "numgen random mod 100 < 30 drop",
)


def settle(cluster, sender):
    for host in cluster.hosts:
        host.await_ready(40)
    cluster.judge(sender, 15)


def cut_at_random(cluster, chance):
    """One to three hosts lose some of what they need, in one way or another; sometimes one stands
    still on top of it. Returns what puts all right again."""
    undo = contextlib.ExitStack()
    servers = [cluster.pg.port, cluster.redis.port, cluster.venue.port]
    for host in chance.sample(cluster.hosts, chance.choice((1, 1, 2, 3))):
        ports = chance.sample(servers, chance.randrange(4))
        ways = chance.choice((("in",), ("out",), ("in", "out")))
        host.node.cut(*ports, ways=ways, how=chance.choice(VERDICTS))
        undo.callback(host.node.heal)
        if chance.random() < 0.2:
            host.process.send_signal(traps.SIGSTOP)
            undo.callback(host.process.send_signal, traps.SIGCONT)
    return undo


def test_wires():
    chance = random.Random(SEED)
    with Net() as net, Cluster(3, net=net) as cluster:
        for number in range(0, ROUNDS, 10):
            with Sender(cluster, seed=SEED + number) as sender:
                for _ in range(min(10, ROUNDS - number)):
                    sender.await_promises(10, 60)
                    with cut_at_random(cluster, chance):
                        sender.stopping.wait(chance.choice((0.3, 0.8, 1.6, 3, 6)))
                sender.await_promises(10, 60)
            settle(cluster, sender)
            print(f"    {number + 10} cuts, {len(sender.promised)} promises kept", flush=True)


def test_flapping():
    """A link that comes and goes twice a second makes no storm of leaders."""
    with Net() as net, Cluster(3, mode="active_passive", net=net) as cluster:
        with Sender(cluster) as sender:
            host = cluster.leader()
            before = cluster.term_of(host)
            for _ in range(ROUNDS // 2):
                host.node.cut(cluster.pg.port)
                sender.stopping.wait(0.5)
                host.node.heal()
                sender.stopping.wait(0.5)
            sender.await_promises(10, 60)
        terms = int(cluster.rows("SELECT max(term) FROM instances")[0][0]) - before
        assert terms <= ROUNDS // 2, f"{terms} new terms in {ROUNDS // 2} flaps"
        settle(cluster, sender)


def test_the_database_in_trouble():
    """Sessions ended, tables locked, a deadlock with a stranger, a server that stands still."""
    chance = random.Random(SEED)
    troubles = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'tidelock%'",
        "BEGIN; LOCK TABLE signals IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT",
        "BEGIN; SELECT * FROM log_head FOR UPDATE; SELECT pg_sleep(2.5); COMMIT",
        "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.3);"
        " SET lock_timeout = '3s'; SELECT * FROM log_head FOR UPDATE; COMMIT",
    )
    with Cluster(3) as cluster:
        with Sender(cluster, seed=SEED) as sender:
            for _ in range(ROUNDS // 2):
                sender.await_promises(10, 60)
                kind = chance.randrange(len(troubles) + 1)
                if kind == len(troubles):
                    cluster.pg.pause()
                    sender.stopping.wait(chance.choice((0.3, 1.2, 3)))
                    cluster.pg.resume()
                else:
                    with contextlib.suppress(subprocess.CalledProcessError):
                        cluster.pg.sql(troubles[kind])  # the stranger may be a deadlock's victim
            sender.await_promises(10, 60)
        settle(cluster, sender)


def test_redis_is_full():
    """It refuses what is new, or forgets what was: only speed changes."""
    for policy in ("noeviction", "allkeys-lru"):
        with Cluster(3) as cluster:
            cluster.redis.say(f"CONFIG SET maxmemory-policy {policy}")
            cluster.redis.say("CONFIG SET maxmemory 3mb")
            with Sender(cluster, seed=SEED) as sender:
                for number in range(ROUNDS * 20):
                    cluster.redis.say(f"SET filler:{number} {'x' * 8000}")
                    if number % 100 == 0:
                        sender.await_promises(10, 60)
            settle(cluster, sender)


if __name__ == "__main__":
    main(limit_s=1200)
