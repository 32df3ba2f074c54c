"""kill -9 at any moment, then start: nothing acknowledged is lost, nothing is ordered twice,
the books add up."""
import json
import os
import random
import threading

from harness import Host, default_config, main, now_iso, signal, until

INSTRUMENTS = [f"I{n}" for n in range(8)]


def config(host):
    value = default_config(
        host,
        log={"level": "info", "format": "json"},
        instruments=[{"name": n} for n in INSTRUMENTS],
        staleness={"entry_max_age": "30d"},
    )
    text = open(os.path.join(host.folder, "strategies/plain/strategy.lua")).read()
    host.write_strategy("plain", text.replace('{"TEST"}', '"*"'))
    return value


class Sender(threading.Thread):
    """Sends signals until stopped and remembers what was answered 2xx."""

    def __init__(self, host, seed):
        super().__init__(daemon=True)
        self.host, self.chance = host, random.Random(seed)
        self.accepted, self.refused, self.sent, self.stopping = {}, [], 0, False

    def run(self):
        while not self.stopping:
            name = self.chance.choice(INSTRUMENTS)
            kind, layer = self.chance.choice(
                [("BASE_ENTRY", "Long_1"), ("PYRAMID", "Long_2"), ("EXIT", "ALL")]
            )
            body = signal(kind, layer, instrument=name, timestamp=now_iso(-self.sent))
            self.sent += 1
            try:
                answer = self.host.post("/webhook/test", body, timeout_s=5)
            except (OSError, EOFError):
                continue
            if answer.status in (200, 202):
                self.accepted[answer.json()["id"]] = body
            elif answer.status != 503:
                self.refused.append(answer)


def judge(host):
    """The paper broker's own book, as its journal tells it: accepted orders by client id."""
    counts = {}
    with open(os.path.join(host.folder, "tidelock.db.paper"), encoding="utf-8") as file:
        for line in file:
            words = line.rstrip("\n").split("\t")
            if words[0] == "O":
                counts[words[1]] = counts.get(words[1], 0) + 1
    return counts


FINAL = {"done", "rejected", "expired", "superseded", "ignored", "dead", "dropped"}


def final(host, ids):
    states = {}
    for start in range(0, len(ids), 16):
        chunk = ",".join(ids[start : start + 16])
        answer = host.get(f"/api/signals?id={chunk}&limit=1000")
        assert answer.status == 200, answer
        for row in answer.json():
            states[row["id"]] = row["state"]
    missing = [i for i in ids if i not in states]
    assert not missing, f"acknowledged and lost: {missing[:5]}"
    return all(state in FINAL for state in states.values())


def test_kill_9_under_load():
    with Host() as host:
        host.stop()
        host.write_config(config(host))
        host.start()
        senders = [Sender(host, seed) for seed in range(4)]
        for sender in senders:
            sender.start()
        for round_ in range(6):
            before = sum(len(s.accepted) for s in senders)
            until(
                lambda before=before: sum(len(s.accepted) for s in senders) > before + 40,
                20,
                "signals being accepted",
            )
            host.kill()
            host.start()
        for sender in senders:
            sender.stopping = True
        for sender in senders:
            sender.join()
        accepted = [i for sender in senders for i in sender.accepted]
        assert len(accepted) > 200
        assert not any(sender.refused for sender in senders), [s.refused[:2] for s in senders]
        assert "has moved on" not in host.log(), "a signal was changed twice in one write"
        until(lambda: final(host, accepted), 20, "every acknowledged signal reaching its end")
        doubled = {k: n for k, n in judge(host).items() if n > 1}
        assert not doubled, doubled
        assert judge(host), "the broker's journal has no orders"
        assert host.stop() == 0
        done = host.cli("verify")
        assert done.code == 0, done


def test_restart_equals_a_clean_stop():
    with Host() as host:
        host.decide(signal())
        until(lambda: len(host.get("/api/positions?status=open").json()) == 1)
        before = (
            host.get("/api/status").json()["portfolio"],
            host.get("/api/positions").json(),
            host.get("/api/ledger").json(),
        )
        host.restart()
        after = (
            host.get("/api/status").json()["portfolio"],
            host.get("/api/positions").json(),
            host.get("/api/ledger").json(),
        )
        assert json.dumps(before) == json.dumps(after), (before, after)


def test_halt_survives_kill():
    with Host() as host:
        halted = host.cli("halt", "no_entry", "--reason", "test of the halt")
        assert halted.code == 0, halted
        host.restart()
        assert host.get("/api/status").json()["halt"]["level"] == "no_entry"
        answer = host.decide(signal()).json()
        assert (
            answer["decision"]["verdict"] == "reject" and "halt" in json.dumps(answer).lower()
        ), answer
        assert host.cli("resume", "--reason", "test is over").code == 0
        assert host.decide(signal(timestamp=now_iso(-30))).json()["decision"]["verdict"] == "accept"


if __name__ == "__main__":
    main()
