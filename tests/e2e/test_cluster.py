"""Several hosts with one book: they share work, die, hang and lose their servers; the exchange, the
tables and the promises are compared afterwards (cluster.py judges)."""

import random
import signal as traps
import socket
import struct

from cluster import Cluster, Sender, leads
from harness import main, until

CALM = {"ttl": "6s", "dead_after": "9s"}  # nobody seems dead who only waits for a processor


def end_well(cluster, sender):
    """Judged, then every host that lives leaves with 0."""
    sender.stop()
    cluster.judge(sender)
    for host in cluster.living():
        host.process.send_signal(traps.SIGTERM)
    for host in cluster.living():
        assert host.wait() == 0, host.log()[-2000:]
    cluster.judge(sender)


def test_work_is_shared():
    with Cluster(3) as cluster:
        with Sender(cluster) as sender:
            sender.await_promises(150, 30)
        holders = {row[0] for row in cluster.rows("SELECT holder FROM leases WHERE term > 0")}
        assert len(holders) > 1, holders
        makers = {row[0] for row in cluster.rows("SELECT DISTINCT instance FROM events")}
        assert len(makers) == 3, makers
        assert cluster.rows("SELECT count(*) FROM orders")[0][0] != "0"
        end_well(cluster, sender)


def test_followers_store_and_the_leader_works():
    with Cluster(3, mode="active_passive") as cluster:
        leader = cluster.leader()
        follower = next(host for host in cluster.hosts if host is not leader)
        sender = Sender(cluster)
        body = sender.make(random.Random(1))
        answer = follower.post("/webhook/test", body)
        assert answer.status == 202, answer
        sender.promised.add(answer.json()["id"])
        asked = dict(body, alert="asked")
        answer = follower.decide(asked)
        assert answer.status == 202 and answer.json().get("decision"), answer
        with sender:
            sender.await_promises(80)
            leader.kill()
            cluster.leader(but=leader)
            sender.await_promises(80)
        workers = cluster.rows("SELECT DISTINCT instance FROM events WHERE kind LIKE 'order.%'")
        assert workers, workers
        end_well(cluster, sender)


def test_killed_at_random_under_load():
    chance = random.Random(7)
    with Cluster(3) as cluster:
        with Sender(cluster) as sender:
            for _ in range(4):
                sender.await_promises(40)
                host = chance.choice(cluster.living())
                host.kill()
                sender.await_promises(20)
                host.start()
            host = cluster.leader()
            host.kill()
            cluster.leader(but=host)
            sender.await_promises(40)
        end_well(cluster, sender)


def test_a_leader_that_stood_still_does_no_harm():
    with Cluster(3) as cluster:
        with Sender(cluster) as sender:
            sender.await_promises(40)
            leader = cluster.leader()
            term = cluster.term_of(leader)
            leader.process.send_signal(traps.SIGSTOP)
            others = [host for host in cluster.hosts if host is not leader]
            until(lambda: any(leads(host) for host in others), 10, "another leader")
            sender.await_promises(15, 60)
            leader.process.send_signal(traps.SIGCONT)
            until(lambda: cluster.term_of(leader) > term, 15, "it joins again")
            sender.await_promises(40)
        end_well(cluster, sender)


def test_redis_goes_and_comes_back():
    with Cluster(3, leases=CALM) as cluster:
        with Sender(cluster, timeout_s=30) as sender:
            sender.await_promises(40)
            cluster.redis.kill()
            sender.await_promises(40)
            assert sender.answers.keys() == {202}, sender.answers
            leader = cluster.leader()
            leader.kill()
            cluster.leader(but=leader)
            sender.await_promises(40)
            cluster.redis.start()
            leader.start()
            sender.await_promises(40)
        end_well(cluster, sender)


def test_the_database_restarts_under_load():
    with Cluster(3) as cluster:
        with Sender(cluster) as sender:
            sender.await_promises(40)
            cluster.pg.restart()
            sender.await_promises(50, 30)
            cluster.pg.kill()
            until(lambda: not any(map(leads, cluster.hosts)), 10, "nobody acts any more")
            cluster.pg.start()
            sender.await_promises(50, 30)
        end_well(cluster, sender)


def says_away(host):
    return host.get("/health").json().get("spool", {}).get("away")


def test_the_database_stands_still_in_the_middle():
    """For so short a time that nobody's own time runs out: what was being committed is found out,
    and worked by whoever asked for it."""
    with Cluster(2, leases={"ttl": "10s", "dead_after": "15s"}) as cluster:
        with Sender(cluster) as sender:
            for _ in range(2):
                sender.await_promises(60)
                cluster.pg.pause()
                until(lambda: all(map(says_away, cluster.hosts)), 15, "both say away")
                sender.await_promises(40)
                cluster.pg.resume()
                until(lambda: not any(map(says_away, cluster.hosts)), 15, "both are back")
        end_well(cluster, sender)


def ask_half(cluster):
    """A session that stood still in the middle of sending a transaction: it has the end of the log,
    and the server waits for the rest of a message."""

    def message(kind, body):
        return kind + struct.pack("!I", len(body) + 4) + body

    def run(sql):
        parse = message(b"P", b"\0" + sql + b"\0\0\0")
        return parse + message(b"B", bytes(8)) + message(b"E", bytes(5))

    wire = socket.create_connection(("127.0.0.1", cluster.pg.port), timeout=60)
    words = b"user\0tidelock\0database\0postgres\0application_name\0tidelock write\0\0"
    wire.sendall(struct.pack("!II", len(words) + 8, 196608) + words)
    wire.sendall(run(b"BEGIN") + run(b"SELECT * FROM log_head FOR UPDATE") + message(b"H", b""))
    wire.sendall(b"P\0\0")
    return wire


def is_ended(wire):
    try:
        return not wire.recv(65536)
    except ConnectionError:
        return True


def test_a_hung_session_does_not_keep_the_log():
    with Cluster(2) as cluster:
        with Sender(cluster) as sender:
            sender.await_promises(20)
            with ask_half(cluster) as wire:
                until(lambda: is_ended(wire), 20, "its session is ended")
            sender.await_promises(40, 30)
        end_well(cluster, sender)


def test_a_leaving_leader_hands_over():
    with Cluster(3, leases=CALM) as cluster:
        with Sender(cluster, timeout_s=30) as sender:
            sender.await_promises(40)
            leader = cluster.leader()
            others = [host for host in cluster.hosts if host is not leader]
            cluster.hosts.remove(leader)  # the load goes where it can be taken
            sender.await_promises(20)
            before = dict(sender.answers)
            assert leader.stop() == 0
            until(lambda: any(leads(host) for host in others), 5, "another leader")
            sender.await_promises(40)
            failed = {k: v - before.get(k, 0) for k, v in sender.answers.items() if k != 202}
            assert not any(failed.values()), failed
        took = cluster.rows("SELECT took_us FROM failovers WHERE reason = 'handed over'")
        assert len(took) == 1, took
        assert int(took[0][0]) < 5_000_000, "somebody waited"  # bench-failover has figures
        end_well(cluster, sender)
        leader.clean()


if __name__ == "__main__":
    main()
