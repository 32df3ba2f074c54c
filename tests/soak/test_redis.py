"""Redis lies with whole hosts: its clock jumps by hours, and a master in the minority goes on
granting while the majority has promoted another. Only speed may change. ROUNDS=40; the judge is the
exchange's own book."""

import contextlib
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cluster import Cluster, Sender, leads  # noqa: E402
from harness import main, until  # noqa: E402
from net import HUB, Net, Port  # noqa: E402
from servers import Redis  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "40"))
SEED = int(os.environ.get("SEED", "1"))


def one_leader(cluster):
    """By the hosts' own word; two may say so only for as long as it takes to ask them."""
    leading = [host for host in cluster.living() if leads(host)]
    return len(leading) <= 1 or sum(map(leads, leading)) <= 1


# ---- its clock -------------------------------------------------------------------------------

# libfaketime and Redis' allocator wait for each other, so this is done by hand.
CLOCK = r"""
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset_s;

__attribute__((constructor)) static void begin(void)
{
    int fd = open(getenv("CLOCK_OFFSET"), O_RDONLY);
    void *at = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, fd, 0);
    offset_s = at == MAP_FAILED ? NULL : at;
    close(fd);
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    int result = (int)syscall(SYS_clock_gettime, id, at);
    if (offset_s && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        at->tv_sec += *offset_s;
    return result;
}

int gettimeofday(struct timeval *at, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
"""


class Jumping(Redis):
    """Its wall clock, by which leases and claims run out, is off by what set_clock() says."""

    def set_clock(self, offset_s):
        with open(os.path.join(self.folder, "offset"), "r+b") as file:
            file.write(struct.pack("q", offset_s))

    def start(self):
        offset = os.path.join(self.folder, "offset")
        with open(offset, "wb") as file:
            file.write(bytes(8))
        source, library = (os.path.join(self.folder, name) for name in ("clock.c", "clock.so"))
        with open(source, "w", encoding="ascii") as file:
            file.write(CLOCK)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        os.environ |= {"LD_PRELOAD": library, "CLOCK_OFFSET": offset}
        try:
            return super().start()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["CLOCK_OFFSET"]

    def seconds(self):
        with contextlib.suppress(OSError):
            for line in self.say("INFO server").splitlines():
                if line.startswith("server_time_usec:"):
                    return int(line.split(":")[1]) // 1000000
        return 0


def test_its_clock_jumps():
    chance = random.Random(SEED)
    for mode in ("active_active", "active_passive"):
        with Cluster(3, mode=mode, redis=Jumping()) as cluster:
            began = cluster.redis.seconds()
            cluster.redis.set_clock(7200)
            until(lambda: cluster.redis.seconds() > began + 7000, 10, "its clock has jumped")
            with Sender(cluster, seed=SEED) as sender:
                for number in range(ROUNDS):
                    cluster.redis.set_clock(chance.choice((-7200, -60, -2, 0, 2, 60, 7200)))
                    sender.await_promises(10, 60)
                    assert one_leader(cluster), "two hosts lead"
                    if number % 8 == 7:  # whoever has keys dies: they are taken all the same
                        host = chance.choice(cluster.living())
                        host.kill()
                        sender.await_promises(10, 60)
                        host.start(wait=False, deadline_s=40)
                for host in cluster.hosts:
                    host.await_ready(40)
            cluster.judge(sender, 15)


# ---- a minority ------------------------------------------------------------------------------


class Inside(Redis):
    """In a node's namespace."""

    def __init__(self, node, address):
        super().__init__(bind="0.0.0.0", protected_mode="no")
        self.node, self.address = node, address
        self.redis, self.program = self.program, node.prefix[0]

    def command(self):
        words = super().command()
        return [*self.node.prefix, self.redis, *words[1:]]

    def say(self, command):
        with Port(self.port, self.node).connect(10) as wire:
            wire.sendall(command.encode() + b"\r\n")
            with wire.makefile("rb") as answer:
                line = answer.readline().decode().strip()
                return answer.read(int(line[1:])).decode() if line[:1] == "$" else line


class Watcher(Redis):
    """A Sentinel for all addresses."""

    def __init__(self, master):
        super().__init__()
        self.master = master

    def command(self):
        path = os.path.join(self.folder, "sentinel.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"port {self.port}\nbind 0.0.0.0\nprotected-mode no\ndir {self.folder}\n"
                f"sentinel announce-ip {HUB}\n"
                f"sentinel monitor book {self.master.address} {self.master.port} 2\n"
                "sentinel down-after-milliseconds book 300\nsentinel failover-timeout book 3000\n"
            )
        return ["redis-server", path, "--sentinel"]


class Parted:
    """The master beside the first host, on its machine; replica and three Sentinels elsewhere."""

    def __init__(self, net):
        self.net, self.node = net, net.node()
        self.plain, self.net.node = net.node, self.give
        self.given = False

    def give(self):
        if self.given:
            return self.plain()
        self.given = True
        return self.node

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.master = self.stack.enter_context(Inside(self.node, "10.77.1.2"))
        where = f"10.77.1.2 {self.master.port}"
        self.replica = self.stack.enter_context(
            Redis(bind="0.0.0.0", protected_mode="no", replicaof=where, replica_announce_ip=HUB)
        )
        self.watchers = [self.stack.enter_context(Watcher(self.master)) for _ in range(3)]
        self.port = self.master.port
        self.url = "redis+sentinel://" + ",".join(f"{HUB}:{w.port}" for w in self.watchers)
        self.url += "/book"
        until(self.knows_all, 30, "the Sentinels know all")
        return self

    def knows_all(self):
        told = [watcher.say("INFO sentinel") for watcher in self.watchers]
        return all("slaves=1,sentinels=3" in text for text in told)

    def part(self):
        """The master goes on for who is on its machine, and for nobody else."""
        ports = ",".join(str(w.port) for w in (*self.watchers, self.replica))
        lines = ["add table inet faults", "flush table inet faults"]
        for way, hook, name in (("in", "input", "iifname"), ("out", "output", "oifname")):
            lines.append(f"add chain inet faults {way} {{ type filter hook {hook} priority 0; }}")
            for port in (str(self.port), ports):
                for side in ("sport", "dport"):
                    rule = f"{name} wire tcp {side} {{ {port} }} drop"
                    lines.append(f"add rule inet faults {way} {rule}")
        self.node.rules("\n".join(lines))

    def __exit__(self, *_):
        self.stack.close()


def is_master(server):
    with contextlib.suppress(OSError):  # a Sentinel hangs up on who asks what it promotes
        return "role:master" in server.say("INFO replication")
    return False


def test_a_master_in_the_minority():
    for mode in ("active_passive", "active_active"):
        with Net() as net, Cluster(3, mode=mode, net=net, redis=Parted(net)) as cluster:
            redis = cluster.redis
            with Sender(cluster, seed=SEED) as sender:
                sender.await_promises(20, 60)
                redis.part()
                until(lambda: is_master(redis.replica), 60, "the replica was promoted")
                assert is_master(redis.master), "it went with the rest"
                for number in range(ROUNDS // 4):
                    sender.await_promises(10, 60)
                    assert one_leader(cluster), "two hosts lead"
                    if number % 4 == 3:
                        host = cluster.leader(30)
                        host.kill()
                        sender.await_promises(10, 60)
                        host.start(wait=False, deadline_s=40)
                granted = redis.master.say("DBSIZE"), redis.replica.say("DBSIZE")
                redis.node.heal()
                sender.await_promises(20, 60)
                for host in cluster.hosts:
                    host.await_ready(60)
            cluster.judge(sender, 15)
            print(f"    {mode}: keys of the minority and the majority: {granted}", flush=True)


if __name__ == "__main__":
    main(limit_s=600)
