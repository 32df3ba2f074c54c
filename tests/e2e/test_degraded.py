"""The database is away: signals are kept on the host's own disk, exits done when it is back."""

import os
import threading

from harness import PLAIN_STRATEGY, Host, default_config, main, now_iso, signal, until
from servers import Postgres, Redis, Way

NAMES = [f"I{n}" for n in range(6)]
STRATEGY = PLAIN_STRATEGY.replace('{"TEST"}', '"*"')
AWAY_S = 20
STALE_S = 35  # and nothing that is to be fresh takes so long


def make(server, **changes):
    host = Host()
    instruments = [
        {"name": name, "tick": "0.05", "lot_size": "1", "point_value": "1"} for name in NAMES
    ]
    store = {"path": "{DIR}/tidelock.db", "url": server.url, **changes.pop("store", {})}
    config = default_config(host, store=store, instruments=instruments, **changes)
    config.setdefault("staleness", {"entry_max_age": f"{STALE_S}s"})
    host.write_strategy("plain", STRATEGY)
    host.write_config(config)
    return host


def enter(name, age_s=0):
    return signal(instrument=name, timestamp=now_iso(-age_s))


def leave(name):
    return signal("EXIT", "ALL", instrument=name, price=None, stop=None, atr=None)


def decided(host, body):
    answer = host.decide(body)
    assert answer.status == 202 and answer.json()["decision"]["verdict"] == "accept", answer
    return answer.json()["id"]


def health(host):
    return host.get("/health").json()


def spooled(host):
    return health(host).get("spool", {}).get("signals")


def placed(host):
    """What the broker took: the client ids of the orders, each time one was placed."""
    with open(os.path.join(host.folder, "tidelock.db.paper"), encoding="utf-8") as lines:
        return [line.split("\t")[1] for line in lines if line.startswith("O\t")]


def states(server):
    return {
        row[0]: row[1:] for row in server.sql("SELECT id, state, reason, received_at FROM signals")
    }


def final(server):
    return not server.sql(
        "SELECT id FROM signals WHERE state NOT IN "
        "('done','rejected','expired','superseded','ignored')"
    )


def send_spooled(host, body, **words):
    answer = host.post("/webhook/test", body)
    assert answer.status == 202 and answer.json().get("spooled") is True, (answer, words)
    return answer.json()["id"]


def once_each(server):
    """No order twice for a signal's leg, no fill twice, and nothing open that was to be closed."""
    doubled = server.sql(
        "SELECT signal_id, leg, count(*) FROM orders GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert not doubled, doubled
    open_now = server.sql("SELECT id, instrument FROM positions WHERE status <> 'closed'")
    assert not open_now, open_now
    orders = server.sql("SELECT count(*) FROM orders")[0][0]
    fills = server.sql("SELECT count(*) FROM fills")[0][0]
    assert orders == fills, (orders, fills)
    return int(orders)


def lives(host):
    try:
        return host.get("/livez").status == 200
    except (OSError, EOFError):
        return False


def outage(host, server, stop, restart):
    for name in NAMES:
        decided(host, enter(name, 2))
    statuses, ending = [], threading.Event()

    def load():
        age = 40
        while not ending.is_set():
            age += 1
            statuses.append(host.post("/webhook/test", enter(NAMES[0], age)).status)

    loader = threading.Thread(target=load)
    loader.start()
    until(lambda: len(statuses) > 20)
    stop()
    try:
        until(lambda: health(host).get("spool", {}).get("away"), AWAY_S, "the host says away")
    finally:
        ending.set()
        loader.join()
    assert set(statuses) <= {200, 202, 429}, set(statuses)
    entries = {name: send_spooled(host, enter(name, STALE_S + 3)) for name in NAMES}
    again = host.post("/webhook/test", enter(NAMES[1], 0))
    exits = {name: send_spooled(host, leave(name)) for name in NAMES[1:]}
    waiting = host.post("/webhook/test?wait=decision", leave(NAMES[0]))
    assert waiting.status == 202 and waiting.json()["spooled"], waiting
    assert "decision" not in waiting.json(), waiting
    exits[NAMES[0]] = waiting.json()["id"]
    repeat = host.post("/webhook/test", leave(NAMES[0]))
    assert again.status in (200, 202), again
    told = health(host)
    assert told["status"] == "unhealthy" and not told["database"], told
    assert host.get("/readyz").status == 503
    assert host.get("/livez").status == 200
    positions = host.get("/api/positions")
    assert positions.status == 200 and positions.headers.get("x-tidelock-stale"), positions.headers
    assert len(positions.json()) == len(NAMES), positions
    assert host.get("/api/status").json()["stale"] is True
    del repeat
    restart()
    return entries, exits


def check_drained(host, server, entries, exits):
    until(lambda: spooled(host) == 0, 30, "the spool is empty")
    until(lambda: final(server), 20, "every signal is final")
    rows = states(server)
    for name, one in exits.items():
        assert rows[one][0] in ("done", "ignored"), (name, rows[one])
    for name, one in entries.items():
        assert rows[one][0] in ("rejected", "expired", "superseded"), (name, rows[one])
        assert rows[one][1], rows[one]
    assert sorted(placed(host)) == sorted(row[0] for row in server.sql("SELECT id FROM orders"))
    return once_each(server)


def test_down_and_back():
    with Postgres() as server, make(server) as host:
        entries, exits = outage(host, server, server.kill, lambda: None)
        server.start()
        check_drained(host, server, entries, exits)
        until(lambda: host.get("/readyz").status == 200, 10, "ready again")
        assert not host.get("/api/positions").headers.get("x-tidelock-stale")
        assert host.get("/api/status").json()["stale"] is False


def test_hang_and_back():
    with Postgres() as server, make(server) as host:
        entries, exits = outage(host, server, server.pause, lambda: None)
        server.resume()
        check_drained(host, server, entries, exits)


def test_a_commit_whose_answer_stays_away():
    """It was done, and nobody says so for longer than a sender waits: the signal is spooled too,
    the order that was never sent does not rest, and nothing is done twice."""
    with Postgres() as server, Way(server.port) as way:
        with make(
            server, store={"url": server.url.replace(str(server.port), str(way.port))}
        ) as host:
            for name in NAMES[:2]:  # from now on their keys are this host's
                decided(host, enter(name, 2))
            decided(host, leave(NAMES[1]))
            until(lambda: final(server), 10, "one is closed again")
            way.mute()
            entry = send_spooled(host, enter(NAMES[1]))
            until(lambda: health(host)["spool"]["away"], AWAY_S, "the host says away")
            exits = {name: send_spooled(host, leave(name)) for name in NAMES[:2]}
            decision = server.sql(f"SELECT verdict FROM decisions WHERE signal_id = '{entry}'")
            assert decision == [["accept"]], decision
            way.hear()
            until(lambda: spooled(host) == 0, 30, "the spool is empty")
            until(lambda: final(server), 20, "every signal is final")
            rows = states(server)
            assert rows[exits[NAMES[0]]][0] == "done", rows
            assert server.sql("SELECT count(*) FROM instances") == [["1"]]
            ended = server.sql(
                "SELECT state FROM orders WHERE state NOT IN ('filled','cancelled','expired')"
            )
            assert not ended, ended
            placed_once = placed(host)
            assert len(placed_once) == len(set(placed_once)), placed_once
            assert not server.sql("SELECT id FROM positions WHERE status <> 'closed'")


def test_changes_are_answered_while_a_commit_is_in_doubt():
    """Who halts, deposits or imports meanwhile hears that it may be done, and where to look; the
    log says afterwards what was, once."""
    with Postgres() as server, Way(server.port) as way:
        store = {"url": server.url.replace(str(server.port), str(way.port))}
        with make(server, store=store) as host:
            position = {
                "strategy": "plain",
                "instrument": NAMES[0],
                "position": "Long_1",
                "side": "LONG",
                "quantity": 1,
                "entry_price": "100",
                "stop": "90",
                "opened_at": now_iso(-60),
            }
            asked = {
                "/api/halt": {"level": "no_entry", "why": "a test"},
                "/api/deposit": {"amount": "5"},
                "/api/import": [position],
            }
            answers, last = {}, [None, 0]

            def settled():
                """Nothing of the host's own is being written: the changes are first in doubt."""
                seq = server.sql("SELECT seq FROM log_head")
                last[:] = [seq, last[1] + 1 if seq == last[0] else 0]
                return last[1] >= 10

            until(settled, 30, "what a start writes is written")
            way.mute()

            def ask(path):
                answers[path] = host.post(path, asked[path], {"X-Tidelock": "1"}, 30)

            threads = [threading.Thread(target=ask, args=(path,)) for path in asked]
            for thread in threads:
                thread.start()
            until(lambda: health(host)["halt"] == "no_entry", 5, "the halt is in force")
            for thread in threads:
                thread.join()
            for path, answer in answers.items():
                text = answer.json()["error"]
                assert answer.status in (503, 504), (path, answer)
                if answer.status == 504:
                    assert text.startswith("maybe done:") and "GET /api/" in text, (path, answer)
            assert 504 in [answer.status for answer in answers.values()], answers
            way.hear()
            until(lambda: health(host)["database"] is True, 30, "the database is back")
            assert (
                host.post("/api/resume", {"why": "it is over"}, {"X-Tidelock": "1"}, 30).status
                == 200
            )
            assert health(host)["halt"] == "none"
            done = {
                "/api/halt": "SELECT count(*) FROM events WHERE kind = 'halt.set'",
                "/api/deposit": "SELECT count(*) FROM ledger WHERE amount = 5",
                "/api/import": "SELECT count(*) FROM positions",
            }
            for path, sql in done.items():  # what was said not to be done is not
                count = server.sql(sql)
                assert count == [["0"]] or (answers[path].status, count) == (504, [["1"]]), path
            assert host.cli("verify").code == 0


def test_killed_while_spooled():
    """The host dies with a full spool, and once more while it drains."""
    with Postgres() as server, make(server) as host:
        entries, exits = outage(host, server, server.kill, lambda: None)
        host.kill()
        server.start()
        host.start(wait=False)
        host.await_log("the database is back|the spool is empty|ready", 20)
        host.restart()
        check_drained(host, server, entries, exits)


def test_both_away():
    with Postgres() as server, Redis() as redis:
        with make(server, redis={"url": redis.url}) as host:
            until(lambda: health(host)["redis"], 10, "Redis is used")
            decided(host, enter(NAMES[0], 2))
            redis.kill()
            until(lambda: health(host)["redis"] is False, 10, "Redis is missed")
            assert health(host)["status"] == "degraded", health(host)
            decided(host, enter(NAMES[1], 2))
            server.kill()
            until(lambda: health(host)["spool"]["away"], AWAY_S)
            exits = {name: send_spooled(host, leave(name)) for name in NAMES[:2]}
            assert health(host)["status"] == "unhealthy"
            assert "tidelock_spool_signals 2" in host.get("/metrics").text
            server.start()
            check_drained(host, server, {}, exits)
            redis.start()
            until(lambda: health(host)["redis"], 20, "Redis is used again")
            until(lambda: host.get("/readyz").status == 200, 10, "ready")
            assert "tidelock_spool_signals 0" in host.get("/metrics").text
            assert "tidelock_database_away_seconds 0" in host.get("/metrics").text


def test_start_while_away():
    with Postgres() as server, make(server) as host:
        for name in NAMES:
            decided(host, enter(name, 2))
        server.kill()
        host.kill()
        host.start(wait=False)
        until(lambda: lives(host), 20, "the webhook listens")
        exits = {name: send_spooled(host, leave(name)) for name in NAMES}
        entries = {NAMES[0]: send_spooled(host, enter(NAMES[0], 3600))}
        repeat = host.post("/webhook/test", leave(NAMES[0]))
        assert repeat.status in (200, 202) and repeat.json()["spooled"], repeat
        assert host.get("/readyz").status == 503
        assert host.get("/api/status").json()["stale"] is True
        host.kill()  # and what was answered then is not lost either
        host.start(wait=False)
        until(lambda: lives(host), 20, "the webhook listens")
        assert spooled(host) >= len(NAMES) + 1, health(host)
        server.start()
        check_drained(host, server, entries, exits)
        until(lambda: host.get("/readyz").status == 200, 10, "ready")


def test_a_start_that_must_not_wait():
    with Postgres() as server:
        host = make(server, store={"wait": False})
        server.kill()
        host.start(wait=False)
        assert host.wait() != 0 and "cannot be reached" in host.log(), host.log()
        host.clean()


def test_without_a_spool_signals_are_refused():
    with Postgres() as server, make(server, store={"spool": ""}) as host:
        decided(host, enter(NAMES[0], 2))
        server.kill()
        until(lambda: not health(host)["database"], 10)
        answer = host.post("/webhook/test", leave(NAMES[0]))
        assert answer.status == 503 and answer.headers["retry-after"], answer
        server.start()
        until(lambda: host.post("/webhook/test", leave(NAMES[0])).status in (200, 202), 10)
        until(lambda: final(server), 10)
        assert once_each(server) == 2


if __name__ == "__main__":
    main()
