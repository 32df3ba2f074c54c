"""Whole hosts on machines of their own, and everything around them in trouble: wires cut at random,
servers that fail over, are full, stand still, lock each other out. ROUNDS=40 of each; the judge is
the exchange's own book: 0 lost, 0 doubled, 0 stuck after 5 s of quiet."""

import contextlib
import glob
import os
import random
import signal as traps
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cluster import Cluster, Sender  # noqa: E402
from harness import Skip, main, until  # noqa: E402
from net import Net  # noqa: E402
from servers import Pair, Postgres, Redis, Sentinel  # noqa: E402

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


# ---- servers that fail over ------------------------------------------------------------------


class Watched:
    """A master, a replica and three Sentinels."""

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.master = self.stack.enter_context(Redis())
        self.replica = self.stack.enter_context(Redis(replicaof=f"127.0.0.1 {self.master.port}"))
        self.sentinels = [
            self.stack.enter_context(Sentinel(self.master.port, quorum=2)) for _ in range(3)
        ]
        ports = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{ports}/book"
        until(self.knows_all, 30, "the Sentinels know all")
        return self

    def knows_all(self):
        told = [sentinel.say("INFO sentinel") for sentinel in self.sentinels]
        return all("slaves=1,sentinels=3" in text for text in told)

    def __exit__(self, *_):
        self.stack.close()


def test_sentinels_choose_another():
    """The master dies, or stands still and comes back still believing that it is one."""
    for pauses in (False, True):
        with Cluster(3, redis=Watched()) as cluster:
            with Sender(cluster, seed=SEED) as sender:
                sender.await_promises(20, 60)
                cluster.redis.master.pause() if pauses else cluster.redis.master.kill()
                until(
                    lambda: "role:master" in cluster.redis.replica.say("INFO replication"),
                    60,
                    "the replica was promoted",
                )
                sender.await_promises(20, 60)
                if pauses:
                    cluster.redis.master.resume()
                    sender.await_promises(50, 60)
                else:
                    cluster.redis.master.start()
                    sender.await_promises(50, 60)
            settle(cluster, sender)


class Synchronous(Pair):
    """What is committed is on both."""

    def __enter__(self):
        super().__enter__()
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.sql("SELECT pg_reload_conf()")
        follows = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        until(lambda: self.sql(follows), 30, "the standby is synchronous")
        return self


def test_a_standby_is_promoted():
    for mode in ("active_active", "active_passive"):
        with Cluster(3, mode=mode, pg=Synchronous()) as cluster:
            with Sender(cluster, seed=SEED) as sender:
                sender.await_promises(20, 60)
                cluster.pg.promote()
                sender.await_promises(50, 60)
            settle(cluster, sender)


# ---- full disks, wrong clocks ----------------------------------------------------------------


class Small(Postgres):
    """On a disk of 160 MB."""

    def __init__(self):
        super().__init__()
        self.mounted = os.path.join(self.folder, "small")
        os.mkdir(self.mounted)
        words = [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"size=160m,mode=777,uid={os.stat(self.folder).st_uid}",
        ]
        if subprocess.run([*words, "tmpfs", self.mounted], check=False).returncode:
            self.__exit__()
            raise Skip("a small disk cannot be mounted here")
        self.data = os.path.join(self.mounted, "data")

    def fill(self):
        with contextlib.suppress(OSError), open(self.mounted + "/filler", "wb", 0) as file:
            while True:
                file.write(b"x" * 65536)

    def free(self):
        os.unlink(self.mounted + "/filler")
        with contextlib.suppress(subprocess.CalledProcessError):
            self.sql("SELECT 1")
            return
        self.restart()

    def __exit__(self, *_):
        self.kill()
        subprocess.run(["umount", self.mounted], check=False, capture_output=True)
        super().__exit__()


def test_the_disk_of_the_database_is_full():
    with Cluster(3, pg=Small()) as cluster:
        with Sender(cluster, seed=SEED) as sender:
            for _ in range(2):
                sender.await_promises(30, 60)
                cluster.pg.fill()
                sender.stopping.wait(4)
                cluster.pg.free()
                sender.await_promises(30, 60)
        settle(cluster, sender)


def test_clocks_jump():
    """Hosts whose wall clock is minutes off, and moves; the steady one goes on."""
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)
    if not library:
        raise Skip("needs faketime")
    chance = random.Random(SEED)
    with Cluster(3, start=False) as cluster:
        for host in cluster.hosts:
            host.clock = os.path.join(host.folder, "clock")
            set_clock(host, 0)
            host.env |= {
                "LD_PRELOAD": library,
                "FAKETIME_TIMESTAMP_FILE": host.clock,
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            host.start(wait=False)
        for host in cluster.hosts:
            host.await_ready(30)
        with Sender(cluster, seed=SEED) as sender:
            for _ in range(ROUNDS // 2):
                sender.await_promises(10, 60)
                set_clock(
                    chance.choice(cluster.hosts), chance.choice((-3600, -20, -1, 1, 20, 3600))
                )
            for host in cluster.hosts:
                set_clock(host, 0)
            sender.await_promises(30, 60)
        settle(cluster, sender)


def set_clock(host, offset_s):
    with open(host.clock + ".new", "w", encoding="ascii") as file:
        file.write(f"{offset_s:+d}\n")
    os.rename(host.clock + ".new", host.clock)


if __name__ == "__main__":
    main(limit_s=1200)
