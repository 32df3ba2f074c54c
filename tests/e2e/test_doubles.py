"""One alert, given to two hosts at the same moment, again and again: one row, one order, and the
second is told what the first was. Then with each of the three layers missing: memory, the claim in
Redis, both."""

import contextlib
import itertools
import json
import random
import re
import signal as traps
import threading
import time

from cluster import MARKETS, Cluster, Sender, instrument
from harness import Host, default_config, main, until


def metric(host, name, label=""):
    """Its value; 0 before it was ever counted."""
    found = re.search(rf"^{name}{re.escape(label)} (\S+)$", host.get("/metrics").text, re.M)
    return float(found.group(1)) if found else 0.0


def claims(cluster, answer):
    label = f'{{answer="{answer}"}}'
    return sum(metric(host, "tidelock_claims_total", label) for host in cluster.hosts)


def held_back(cluster, by):
    label = f'{{by="{by}"}}'
    return sum(metric(h, "tidelock_signals_held_back_total", label) for h in cluster.hosts)


class Twins:
    """A sender of the judge's, whose alerts go to all hosts at once."""

    def __init__(self, cluster):
        self.cluster, self.sender = cluster, Sender(cluster)
        self.promised, self.chance, self.sent = self.sender.promised, random.Random(3), 0
        self.took = 0
        self.kinds = itertools.cycle(MARKETS)

    def make(self):
        name, _, price = next(self.kinds)
        body = self.sender.make(self.chance)
        body.update(instrument=name, type="BASE_ENTRY", position="Long_1", price=price)
        return dict(body, stop=str(float(price) * 0.98), quantity="0.001")

    def give(self, body=None, path="/webhook/test?wait=decision"):
        """The answers of all hosts, in the hosts' order."""
        text, answers, began = json.dumps(body or self.make()), {}, time.monotonic()
        start = threading.Barrier(len(self.cluster.hosts))

        def work(host):
            with host.connect() as wire:
                start.wait()
                answers[host] = wire.ask("POST", path, text)

        threads = [threading.Thread(target=work, args=(h,)) for h in self.cluster.hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = [answers[host] for host in self.cluster.hosts]
        self.sent += 1
        self.took = time.monotonic() - began
        assert all(a.status in (200, 202) for a in answers), answers
        idents = {a.json()["id"] for a in answers}
        assert len(idents) == 1, answers
        self.promised |= idents
        return answers

    def check_answers(self, answers):
        """One was first; the other repeats what it was told. A host waits 2.5 s for a decision."""
        assert sorted(a.status for a in answers) == [200, 202], answers
        told = [a.json() for a in answers]
        second = next(t for t in told if t["status"] == "duplicate")
        first = next(t for t in told if t is not second)
        if self.took < 2.5:
            assert first["decision"]["verdict"] == second["decision"]["verdict"], told

    def judge(self):
        """So many alerts, so many rows, decisions, orders."""
        self.cluster.judge(self, 20)
        count = [str(self.sent)]
        assert self.cluster.rows("SELECT count(*) FROM signals") == [count]
        assert self.cluster.rows("SELECT count(*) FROM decisions") == [count]
        doubled = "SELECT signal_id FROM orders GROUP BY signal_id HAVING count(*) > 1"
        assert not self.cluster.rows(doubled)
        accepted = "SELECT count(*) FROM decisions WHERE verdict = 'accept'"
        assert self.cluster.rows(accepted) == self.cluster.rows("SELECT count(*) FROM orders")
        assert self.cluster.rows(accepted) != [["0"]]


def usable(host):
    return host.get("/health").json()["checks"]["redis_connection"]["status"] == "pass"


def await_redis(cluster):
    """From now on it is asked."""

    until(lambda: all(map(usable, cluster.hosts)), 15, "Redis is used by all")


def test_the_second_is_told_what_the_first_was():
    with Cluster(2) as cluster:
        twins = Twins(cluster)
        await_redis(cluster)
        until(lambda: twins.give() and claims(cluster, "denied") > 0, 20, "claims are denied")
        for _ in range(40):
            twins.check_answers(twins.give())
        for _ in range(20):
            answers = twins.give(path="/webhook/test")
            assert sorted(a.status for a in answers) == [200, 202], answers
        until(lambda: twins.give() and held_back(cluster, "log") >= 20, 30, "20 are held back")
        twins.judge()
        until(lambda: not redis_claims(cluster), 10, "claims of what is final are given back")


def redis_claims(cluster):
    return int(cluster.redis.say("EVAL \"return #redis.call('KEYS','*:claim:*')\" 0")[1:])


def write_failures(cluster):
    return sum(metric(host, "tidelock_write_failures_total") for host in cluster.hosts)


def test_without_redis_the_key_decides():
    """Layers one and two are missing: no host has seen the alert before it writes."""
    with Cluster(2) as cluster:
        twins = Twins(cluster)
        cluster.redis.kill()
        for _ in range(30):
            twins.give()
        before = write_failures(cluster)
        until(lambda: twins.give() and write_failures(cluster) > before, 20, "the key refuses one")
        granted = claims(cluster, "granted")
        twins.judge()
        assert claims(cluster, "granted") == granted
        cluster.redis.start()
        await_redis(cluster)
        until(lambda: twins.give() and claims(cluster, "granted") > granted, 20, "asked again")
        twins.judge()


def test_redis_hangs():
    with Cluster(2) as cluster:
        twins = Twins(cluster)
        await_redis(cluster)
        until(lambda: twins.give() and claims(cluster, "granted") > 0, 20, "claims are granted")
        cluster.redis.pause()
        try:
            for _ in range(10):
                twins.give()
            assert claims(cluster, "unknown") > 0
        finally:
            cluster.redis.resume()
        twins.judge()


def test_memory_is_cold():
    """Right after a restart, and while the claims of the host that died still stand."""
    with Cluster(2) as cluster:
        twins = Twins(cluster)
        await_redis(cluster)
        bodies = [twins.make() for _ in range(6)]
        first = [twins.give(body)[0].json()["id"] for body in bodies]
        for host in cluster.hosts:
            host.kill()
        for host in cluster.hosts:
            host.start(wait=False)
        for host in cluster.hosts:
            host.await_ready(30)
        for body, ident in zip(bodies, first):
            for answer in twins.give(body):
                assert answer.status == 200 and answer.json()["id"] == ident, answer
        twins.sent -= len(bodies)
        twins.judge()


@contextlib.contextmanager
def teller():
    """A host of its own that tells the id an alert will have."""
    host = Host()
    host.write_config(
        default_config(
            host,
            instruments=[instrument(name, symbol) for name, symbol, _ in MARKETS],
            sources=[{"name": "test", "strategy": "plain", "open": True, "fingerprint": ["alert"]}],
        )
    )
    with host:
        yield lambda body: host.post("/webhook/test", json.dumps(body)).json()["id"]


def claim_by_nobody(cluster, twins, ident_of):
    """An alert that somebody claims who does not exist."""
    body = twins.make()
    ident = ident_of(body)
    key = f"tidelock:main:claim:signal:{{{body['instrument']}}}:{ident}"
    assert cluster.redis.say(f"SET {key} nobody PX 60000") == "+OK"
    return body, ident


def test_a_claim_that_lies():
    """It is stored all the same, a moment later."""
    with Cluster(2) as cluster, teller() as ident_of:
        twins = Twins(cluster)
        await_redis(cluster)
        until(lambda: twins.give() and claims(cluster, "granted") > 0, 20, "claims are granted")

        def lie(number):
            """Whether Redis answered in time: else nobody was lied to."""
            body, ident = claim_by_nobody(cluster, twins, ident_of)
            held, unknown = held_back(cluster, "time"), claims(cluster, "unknown")
            began = time.monotonic()
            if number % 2:
                answers = twins.give(body)
            else:
                host = cluster.hosts[number // 2 % 2]
                answers = [host.post("/webhook/test", json.dumps(body))]
                twins.sent += 1
                twins.promised.add(ident)
            took = time.monotonic() - began
            assert {a.json()["id"] for a in answers} == {ident}, (answers, ident)
            assert 202 in [a.status for a in answers], answers
            if claims(cluster, "unknown") > unknown:
                return False
            assert 0.1 <= took, took
            assert held_back(cluster, "time") > held
            return True

        numbers = itertools.count()
        for _ in range(6):
            until(lambda: lie(next(numbers)), 20, "Redis lies")
        twins.judge()


def test_stopped_while_held_back():
    """A host that is asked to stop does not forget what it holds back."""
    with Cluster(2) as cluster, teller() as ident_of:
        twins = Twins(cluster)
        await_redis(cluster)
        until(lambda: twins.give() and claims(cluster, "granted") > 0, 20, "claims are granted")
        body, ident = claim_by_nobody(cluster, twins, ident_of)
        host, answers = cluster.hosts[1], []
        asked = claims(cluster, "denied") + claims(cluster, "unknown")

        def ask():
            with host.connect() as wire:
                answers.append(wire.ask("POST", "/webhook/test", json.dumps(body)))

        asker = threading.Thread(target=ask)
        asker.start()
        until(lambda: claims(cluster, "denied") + claims(cluster, "unknown") > asked, 10, "asked")
        host.process.send_signal(traps.SIGTERM)
        asker.join()
        assert host.wait() == 0, host.log()[-2000:]
        assert [a.status for a in answers] == [202], answers
        twins.sent += 1
        twins.promised.add(ident)
        twins.judge()


if __name__ == "__main__":
    main()
