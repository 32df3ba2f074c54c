#!/usr/bin/env python3
"""How long nobody acts when the leader of three hosts goes, under load, on one machine.

    tests/bench/failover.py [--runs 100] [--dead-after TIME] [--no-redis] [CASE...]

Times are those of the log's own events, all by one clock: from the signal to the leader (graceful:
from its last work, if it did any after the signal) to the first thing the next one does that only
the holder may do. With active_passive that is a decision or an order; with active_active the
leader's own record. Cases: kill, hang (SIGSTOP), partition (not a packet to or from the leader;
hosts in network namespaces), graceful, redis.
"""

import argparse
import contextlib
import datetime
import json
import os
import random
import signal as traps
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cluster import Cluster, Sender  # noqa: E402
from harness import until  # noqa: E402
from net import Net  # noqa: E402

WORK = "(kind = 'failover' OR kind = 'signal.decided' OR kind LIKE 'order.%')"
TARGETS = {"kill": 500, "hang": 2000, "partition": 2000, "graceful": 50, "redis": 500}


def now_us():
    return time.time_ns() // 1000


def stamp_us(text):
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(at.timestamp() * 1e6)


STAGES = {
    "noticed": "kind IN ('member.died', 'lease.handed', 'member.left')",
    "leads": "kind = 'failover'",
    "compared": "kind = 'reconciliation.done'",
    "works": WORK,
}
stages = {name: [] for name in STAGES}


def note_stages(cluster, since_us):
    """When each stage was reached first, by the log."""
    for name, kinds in STAGES.items():
        leader = "subject = 'leader' OR " if name == "noticed" else ""
        rows = cluster.rows(
            f"SELECT min(at) FROM events WHERE at >= {since_us} AND ({leader}{kinds})"
        )
        if rows and rows[0][0]:
            stages[name].append((int(rows[0][0]) - since_us) / 1000)


def tell_slow(cluster, since_us, until_us):
    """All that was logged and written in that time, by every host, in one order."""
    lines = [
        (int(at), f"{instance} event {seq} {kind} {subject}")
        for at, instance, seq, kind, subject in cluster.rows(
            "SELECT at, instance, seq, kind, subject FROM events"
            f" WHERE at BETWEEN {since_us - 50000} AND {until_us + 20000} ORDER BY seq"
        )
    ]
    for index, host in enumerate(cluster.all):
        for row in host.log_rows():
            at = stamp_us(row.pop("ts"))
            if since_us - 50000 <= at <= until_us + 20000:
                lines.append((at, f"h{index} log {json.dumps(row)}"))
    for at, line in sorted(lines, key=lambda line: line[0]):
        print(f"    {(at - since_us) / 1000:8.1f} ms  {line}", flush=True)


def first_work(cluster, leader, since_us):
    """When somebody else first did what the leader alone may; waits for it."""
    kinds = WORK if cluster.mode == "active_passive" else "kind = 'failover'"
    name = f"h{cluster.all.index(leader)}"

    def seen():
        time.sleep(0.25)  # to look is work, too, on the same two cores
        rows = cluster.rows(
            f"SELECT min(at) FROM events WHERE at >= {since_us}"
            f" AND instance <> '{name}' AND {kinds}"
        )
        return rows and rows[0][0]

    first = int(until(seen, 20, "somebody else works"))
    note_stages(cluster, since_us)
    return first


def back(cluster, sender):
    """Three hosts that are ready, one that leads, and signals that are taken."""
    for host in cluster.all:
        if not host.running():
            host.start(wait=False)
    for host in cluster.all:
        host.await_ready(30)
    cluster.hosts[:] = cluster.all
    leader = cluster.leader(30)
    sender.await_promises(20, 30)
    return leader


def kill(cluster, leader, _):
    since = now_us()
    leader.kill()
    return first_work(cluster, leader, since) - since


def hang(cluster, leader, sender):
    cluster.hosts.remove(leader)
    since = now_us()
    leader.process.send_signal(traps.SIGSTOP)
    took = first_work(cluster, leader, since) - since
    term = cluster.rows("SELECT max(term) FROM instances")[0][0]
    leader.process.send_signal(traps.SIGCONT)
    until(lambda: cluster.term_of(leader) > int(term), 20, "it joins again")
    return took


def partition(cluster, leader, sender):
    cluster.hosts.remove(leader)
    since = now_us()
    leader.node.cut()
    took = first_work(cluster, leader, since) - since
    term = cluster.rows("SELECT max(term) FROM instances")[0][0]
    leader.node.heal()
    until(lambda: cluster.term_of(leader) > int(term), 20, "it joins again")
    return took


def graceful(cluster, leader, sender):
    cluster.hosts.remove(leader)
    sender.await_promises(4)
    failed = sum(v for k, v in sender.answers.items() if k != 202)
    asked = now_us()
    leader.process.send_signal(traps.SIGTERM)
    assert leader.wait() == 0, leader.log()[-2000:]
    name = f"h{cluster.all.index(leader)}"
    first = first_work(cluster, leader, asked) if cluster.mode != "active_passive" else None
    last = cluster.rows(
        f"SELECT max(at) FROM events WHERE instance = '{name}' AND at >= {asked - 1000000}"
        f" AND {WORK if cluster.mode == 'active_passive' else 'true'}"
    )[0][0]
    last = max(int(last or 0), asked)  # with nothing to do before it was asked, nobody waited
    first = first or first_work(cluster, leader, last)
    assert failed == sum(v for k, v in sender.answers.items() if k != 202), sender.answers
    if cluster.slow_ms and first - last > cluster.slow_ms * 1000:
        print(f"    {(first - last) / 1000:.1f} ms, by {name}", flush=True)
        tell_slow(cluster, last, first)
    return first - last


def redis(cluster, _, sender):
    """The longest time without a decision, in the second around its end."""
    since = now_us()
    cluster.redis.kill()
    sender.await_promises(40)
    rows = cluster.rows(
        f"SELECT at FROM events WHERE at >= {since - 100000} AND {WORK} ORDER BY at"
    )
    at = [int(row[0]) for row in rows]
    cluster.redis.start()
    return max((b - a for a, b in zip(at, at[1:])), default=0)


CASES = {"kill": kill, "hang": hang, "partition": partition, "graceful": graceful, "redis": redis}


def measure(name, given):
    took = []
    options = {"mode": given.mode, "dead_after": given.dead_after, "redis": not given.no_redis}
    with contextlib.ExitStack() as stack:
        if name == "partition":
            options["net"] = stack.enter_context(Net())
        cluster = stack.enter_context(Cluster(3, **options))
        cluster.all, cluster.slow_ms = list(cluster.hosts), given.slow_ms
        with Sender(cluster, seed=given.seed, pause_s=0.005) as sender:
            for _ in range(given.runs):
                leader = back(cluster, sender)
                took.append(CASES[name](cluster, leader, sender) / 1000)
            back(cluster, sender)
        tell(name, given, sorted(took))
        cluster.judge(sender, 15)


def tell(name, given, took):
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))]
    met = "met" if p99 <= TARGETS[name] else "MISSED"
    print(
        f"{given.mode:15} {name:9} {len(took):4} runs   p50 {p50:8.1f} ms   p99 {p99:8.1f} ms   "
        f"max {took[-1]:8.1f} ms   target {TARGETS[name]} ms {met}",
        flush=True,
    )
    for stage, at in stages.items():
        if at:
            at.sort()
            p99 = at[min(len(at) - 1, int(len(at) * 0.99))]
            print(f"    {stage:10} p50 {at[len(at) // 2]:8.1f} ms   p99 {p99:8.1f} ms", flush=True)
        at.clear()


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("cases", nargs="*", default=[])
    words.add_argument("--runs", type=int, default=100)
    words.add_argument("--dead-after", default="1500ms")
    words.add_argument("--mode", default="active_passive")
    words.add_argument("--no-redis", action="store_true")
    words.add_argument("--slow-ms", type=float, default=0, help="tell of runs that took longer")
    words.add_argument("--seed", type=int, default=random.randrange(1000))
    given = words.parse_args()
    for name in given.cases or CASES:
        measure(name, given)


if __name__ == "__main__":
    main()
