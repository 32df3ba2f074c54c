"""The command line on PostgreSQL: migrations, verification, refusals, a secret that stays one."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

from harness import PROGRAM, ROOT, Host, default_config, main, now_iso, signal, until
from servers import Postgres, Replica

sys.path.insert(0, os.path.join(ROOT, "tests", "venues"))
from certificates import Authority  # noqa: E402

PASSWORD = "canary-Zq7 '%&=:/@"


def ask(host, *argv):
    return subprocess.run(
        [PROGRAM, *argv, "--config", host.config_path],
        capture_output=True,
        text=True,
        check=False,
        env={**host.env, "TEST_PASSWORD": PASSWORD},
    )


def on(url):
    host = Host()
    config = default_config(host)
    config["store"] = {"url": url, "password": "env:TEST_PASSWORD"}
    host.write_config(config)
    return host


def test_commands():
    with Postgres() as server:
        host = on(server.base("commands"))
        refused = ask(host, "verify")
        assert refused.returncode == 1 and "tidelock migrate up" in refused.stderr, refused
        up = ask(host, "migrate", "up")
        assert up.returncode == 0 and "0001_first: applied" in up.stdout, up
        again = ask(host, "migrate", "up")
        assert "nothing to do" in again.stdout, again
        sound = ask(host, "verify")
        assert sound.returncode == 0 and "the chain holds" in sound.stdout, sound
        assert ask(host, "state").returncode == 0
        absent = ask(host, "explain", "abcdef")
        assert absent.returncode == 1 and "no signal or order" in absent.stderr, absent
        shown = ask(host, "check", "--print")
        assert shown.returncode == 0 and "canary" not in shown.stdout + shown.stderr, shown
        down = ask(host, "migrate", "down", "--to", "0")
        assert "0001_first: taken back" in down.stdout, down
        server.kill()
        gone = ask(host, "verify")
        assert gone.returncode == 1 and "cannot be reached" in gone.stderr, gone
        host.clean()


def present(server, certificate):
    """From its next start on."""
    for end in (".crt", ".key"):
        path = os.path.join(server.data, "server" + end)
        shutil.copyfile(certificate + end, path)
        os.chmod(path, 0o600)
        if server.user:
            os.chown(path, server.user.pw_uid, server.user.pw_gid)
    server.settings = ["fsync=off", "ssl=on"]
    server.restart()


def test_a_server_is_believed_by_its_certificate():
    with tempfile.TemporaryDirectory() as folder, Postgres() as server:
        ca, others = Authority(folder), Authority(folder, "others")
        host = on(f"{server.url}?sslmode=verify-full&sslrootcert={ca.path}")
        for certificate, word in (
            (others.issue("stranger"), "another authority"),
            (ca.issue("late", ends="20210101000000Z"), "expired"),
            (ca.issue("elsewhere", host="DNS:elsewhere.example"), "does not match host name"),
        ):
            present(server, certificate)
            refused = ask(host, "migrate", "up")
            assert refused.returncode == 1 and word in refused.stderr, refused
        assert not server.sql("SELECT 1 FROM pg_tables WHERE tablename = 'events'")
        present(server, ca.issue("good"))
        done = ask(host, "migrate", "up")
        assert done.returncode == 0, done
        host.env = {**host.env, "TEST_PASSWORD": PASSWORD}
        host.start()
        assert host.post("/webhook/test", signal()).status == 202
        used = server.sql(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
            "WHERE application_name LIKE 'tidelock%'"
        )
        assert used == [["t"]], used
        host.clean()


def test_history_is_read_from_a_replica_that_keeps_up():
    with Postgres() as server, Replica(server) as replica, Host() as host:
        host.stop()
        store = {"url": server.url, "replica": replica.url, "replica_lag": "500ms"}
        host.write_config(default_config(host, store=store, mode="single"))
        host.start()
        serial = iter(range(50))

        def decide():
            body = signal(timestamp=now_iso(-next(serial)))
            answer = host.decide(body)
            assert answer.status == 202, answer
            return answer.json()["id"]

        def told(ident):
            return any(row["signal_id"] == ident for row in host.get("/api/decisions").json())

        def asked_there():
            return replica.sql(
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tidelock history' "
                "AND query LIKE '%decisions%'"
            )

        first = decide()
        until(lambda: told(first) and asked_there(), 15, "the replica tells of it")
        replica.sql("SELECT pg_wal_replay_pause()")
        second = decide()  # it never gets there, and is told all the same
        until(lambda: told(second), 15, "the first database tells of it")
        assert not replica.sql(f"SELECT 1 FROM decisions WHERE signal_id = '{second}'")
        replica.kill()
        third = decide()
        until(lambda: told(third), 15, "without a replica")


def test_a_password_in_the_url_is_refused():
    host = on("postgresql://me:secret@127.0.0.1/base")
    refused = ask(host, "check")
    assert refused.returncode == 78 and "store.password" in refused.stderr, refused
    assert "secret@" not in refused.stderr, refused
    host.clean()


def test_the_leader_makes_months_ahead():
    with Postgres() as pg:
        host = Host()
        try:
            store = {"url": pg.url, "spool": "{DIR}/s.spool"}
            host.write_config(default_config(host, store=store))
            host.start()
            assert host.stop() == 0
            ahead = time.strftime("%Y_%m", time.gmtime(time.time() + 45 * 86400))
            pg.sql(f"DROP TABLE events_{ahead}")
            host.start()
            host.await_log("partitions were made")
            assert pg.sql(f"SELECT to_regclass('events_{ahead}') IS NOT NULL") == [["t"]]
            assert host.stop() == 0
        finally:
            host.clean()


def test_isolation():
    """What corrects the book by another's is written in the strictest isolation."""
    with Postgres() as server:
        url = server.base("isolation")
        host = Host()
        config = default_config(host)
        config["store"] = {"url": url}
        config["mode"] = "single"
        host.write_config(config)
        with host:
            server.sql(
                "CREATE TABLE seen (kind text, level text);"
                "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "
                "seen VALUES (NEW.kind, current_setting('transaction_isolation')); RETURN NULL; "
                "END $$; CREATE TRIGGER see AFTER INSERT ON events FOR EACH ROW "
                "EXECUTE FUNCTION see()",
                url,
            )
            assert host.post("/webhook/test", signal()).status == 202
            assert host.post("/api/reconcile", {}, {"X-Tidelock": "1"}).status == 200

            def seen():
                return dict(server.sql("SELECT DISTINCT kind, level FROM seen", url))

            until(lambda: "reconciliation.done" in seen(), 10, "the books were compared")
            until(lambda: "signal.decided" in seen(), 10, "the signal was decided")
            levels = seen()
            assert levels["reconciliation.done"] == "serializable", levels
            assert levels["signal.decided"] == "read committed", levels
            assert host.stop() == 0
            assert ask(host, "verify").returncode == 0


if __name__ == "__main__":
    main()
