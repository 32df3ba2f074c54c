"""What people and machines look at: health, metrics, explanation, verification, history,
the stop."""
import json
import os
import shutil
import signal as traps
import sqlite3
import subprocess

from harness import Host, Skip, default_config, main, now_iso, signal, until


def trade(host):
    answer = host.decide(signal()).json()
    until(lambda: host.get(f"/api/signals?id={answer['id']}").json()[0]["state"] == "done")
    return answer["id"]


def test_health_and_probes():
    with Host() as host:
        health = host.get("/health").json()
        assert (
            health["status"] == "healthy"
            and health["database"] is True
            and health["is_leader"] is True
        ), health
        assert {
            "exchange_connection",
            "database_connection",
            "redis_connection",
            "data_freshness",
            "order_execution",
            "websocket_alive",
            "reconciliation",
        } == set(health["checks"])
        for check in health["checks"].values():
            assert check["message"] and "latency_ms" in check
        assert len(host.get("/health?history=1").json()["history"]) >= 2
        assert host.get("/livez").status == 200 and host.get("/readyz").status == 200


def test_metrics_are_clean():
    if not shutil.which("promtool"):
        raise Skip("needs promtool")
    with Host() as host:
        trade(host)
        text = host.get("/metrics").text
        done = subprocess.run(
            ["promtool", "check", "metrics"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 and not done.stderr.strip(), done.stderr
        assert "tidelock_ack_seconds_bucket" in text


def test_explain_tells_the_whole_decision():
    with Host() as host:
        signal_id = trade(host)
        for words in ([signal_id], [signal_id[:6]]):
            done = host.cli("explain", *words)
            assert done.code == 0, done
            for word in (signal_id, "always", "filled", "order.", "signal."):
                assert word in done.out, (word, done)
        told = host.cli("explain", signal_id, "--json").json()
        assert (
            told["decision"]["policy_hash"]
            and told["orders"][0]["state"] == "filled"
            and told["fills"]
            and told["events"]
        )
        order = told["orders"][0]["id"]
        assert host.cli("explain", order, "--json").json()["signal"]["id"] == signal_id
        assert host.cli("explain", "zzzz").code == 1


def flip(path, statement, *values):
    with sqlite3.connect(path) as db:
        for (name,) in db.execute(
            "select name from sqlite_master where type = 'trigger'"
        ).fetchall():
            db.execute(f'drop trigger "{name}"')
        assert db.execute(statement, values).rowcount != 0


def test_verify_finds_what_was_touched():
    statements = [
        "update events set body = replace(body, 'TEST', 'TESU') where seq = "
        "(select max(seq) from events where body like '%TEST%')",
        "update positions set quantity = '2'",
        "delete from events where seq = 2",
        "update accounts set equity = '5'",
        "delete from fills",
    ]
    with Host() as host:
        trade(host)
        assert host.stop() == 0
        assert host.cli("verify").code == 0
        path = os.path.join(host.folder, "tidelock.db")
        for statement in statements:
            copy = path + ".kept"
            shutil.copy(path, copy)
            flip(path, statement)
            done = host.cli("verify")
            assert done.code == 1, (statement, done)
            os.replace(copy, path)
            for rest in ("-wal", "-shm"):
                if os.path.exists(path + rest):
                    os.remove(path + rest)


def test_state_at_a_moment():
    with Host() as host:
        before = now_iso(-5)
        trade(host)
        now = host.cli("state")
        assert now.code == 0 and len(now.json()["positions"]) == 1, now
        assert host.cli("state", "--at", before).json()["positions"] == []


def test_shutdown_in_five_steps():
    with Host() as host:
        trade(host)
        host.process.send_signal(traps.SIGTERM)
        assert host.wait(20) == 0
        log = host.log()
        for step in ("1/5", "2/5", "3/5", "4/5", "5/5"):
            assert step in log, (step, log[-2000:])


def test_status_and_dashboard():
    with Host() as host:
        trade(host)
        done = host.cli("status")
        assert done.code == 0 and "equity" in done.out and "accept" in done.out, done
        page = host.get("/")
        assert page.status == 200 and page.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in page.headers["content-security-policy"]


def test_changes_need_the_header():
    with Host() as host:
        answer = host.post("/api/halt", {"level": "freeze", "why": "drive-by"})
        assert answer.status == 403, answer
        for foreign in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            answer = host.post(
                "/api/halt", {"level": "freeze", "why": "rebinding"}, {"X-Tidelock": "1", **foreign}
            )
            assert answer.status == 403, answer
        answer = host.post("/api/halt", {"level": "freeze"}, {"X-Tidelock": "1"})
        assert answer.status == 400 and "why" in answer.text, answer


def test_backtest_reports(bars=400):
    host = Host()
    try:
        path = os.path.join(host.folder, "bars.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("time,open,high,low,close\n")
            price = 1000.0
            for n in range(bars):
                step = 3 if n // 60 % 2 == 0 else -3
                file.write(
                    f"{1700000000 + n * 900},{price},{max(price, price + step) + 1},"
                    f"{min(price, price + step) - 1},{price + step}\n"
                )
                price += step
        report = os.path.join(host.folder, "report.html")
        done = host.cli(
            "backtest", "strategies/pyramid", "--bars", path, "--report", report, "--json"
        )
        assert done.code == 0, done
        told = done.json()
        assert (
            told["bars"] == bars
            and told["end_equity"]
            and "<svg" in open(report, encoding="utf-8").read()
        ), told
        assert told["trades"] and told["end_equity"] != told["start_equity"], told
        again = host.cli("backtest", "strategies/pyramid", "--bars", path, "--json").json()
        for field in ("end_equity", "signals", "trades", "not_taken"):
            assert again[field] == told[field], field
        bad = os.path.join(host.folder, "bad.csv")
        with open(bad, "w", encoding="utf-8") as file:
            file.write("time,open,high,low,close\n1700000000,1,2,3,x\n")
        done = host.cli("backtest", "strategies/pyramid", "--bars", bad)
        assert done.code == 1 and ("line 2" in done.err or ":2" in done.err), done
    finally:
        host.clean()


def test_two_stops_force():
    with Host() as host:
        host.process.send_signal(traps.SIGTERM)
        host.process.send_signal(traps.SIGTERM)
        assert host.wait(20) in (0, 1)


if __name__ == "__main__":
    main()
