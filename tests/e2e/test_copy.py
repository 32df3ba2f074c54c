"""`tidelock copy`: the log hash for hash and every table, from where it stopped, or a clear no."""
import os
import signal as traps
import sqlite3

from harness import Host, command, default_config, main, now_iso, signal, until
from servers import Postgres


def fill(host, count):
    for i in range(count):
        body = signal(position="Long_1", price=str(100 + i), timestamp=now_iso(-i))
        assert host.decide(body).status in (200, 202)
        body = signal("EXIT", "ALL", timestamp=now_iso(-i))
        assert host.decide(body).status in (200, 202)


def hashes(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return db.execute("SELECT seq, hash FROM events ORDER BY seq").fetchall()


def test_a_new_paper_book_repeats_no_trade():
    with Host() as host:
        fill(host, 3)
        assert host.stop() == 0
        os.unlink(f"{host.folder}/tidelock.db.paper")
        host.start()
        fill(host, 5)
        assert host.stop() == 0
        assert host.cli("verify").code == 0
        assert "stands already" not in host.log()


def test_everything_is_copied_and_goes_on_where_it_stopped():
    with Host() as host:
        source, copy = f"{host.folder}/tidelock.db", f"{host.folder}/copy.db"
        fill(host, 20)
        first = command("copy", "--from", source, "--to", copy)  # beside the running host
        assert first.code == 0 and "hash for hash" in first.out, first
        fill(host, 5)
        assert host.stop() == 0
        second = command("copy", "--from", source, "--to", copy, "--json")
        assert second.code == 0, second
        told = second.json()
        assert 0 < told["copied"] < told["events"], told
        assert hashes(source) == hashes(copy)
        host.write_config(open(host.config_path, encoding="utf-8").read().replace(source, copy))
        assert host.cli("verify").code == 0
        host.start()  # and it is a database to go on with
        fill(host, 2)
        assert host.stop() == 0
        assert host.cli("verify").code == 0


SECRET = "s p/a%c&e'd"


def ask_for_passwords(server):
    """From now on, over TCP; through the socket in its folder nobody is asked."""
    server.sql("ALTER ROLE tidelock PASSWORD '" + SECRET.replace("'", "''") + "'")
    with open(os.path.join(server.data, "pg_hba.conf"), "w", encoding="ascii") as rules:
        rules.write("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    server.signal(traps.SIGHUP)
    return f"postgresql://tidelock@/postgres?host={server.folder}&port={server.port}"


def test_into_postgresql_that_asks_for_a_password():
    with Postgres() as server, Host(env={"MIRROR_PASSWORD": SECRET}) as host:
        inside = ask_for_passwords(server)
        fill(host, 5)
        words = ("copy", "--from", f"{host.folder}/tidelock.db", "--to", server.url)
        until(lambda: "password" in command(*words).err, 10, "it asks for one")
        copied = command(*words, env={**os.environ, "PGPASSWORD": SECRET})
        assert copied.code == 0 and "hash for hash" in copied.out, copied
        assert host.stop() == 0
        store = {"path": "{DIR}/tidelock.db", "mirror": server.url}
        host.write_config(default_config(host, store={**store, "password": "env:MIRROR_PASSWORD"}))
        host.start()
        host.await_log("the mirror has caught up")
        fill(host, 5)
        assert host.stop() == 0
        theirs = server.sql("SELECT seq, encode(hash, 'hex') FROM events ORDER BY seq", inside)
        ours = hashes(f"{host.folder}/tidelock.db")
        assert [[str(seq), digest.hex()] for seq, digest in ours] == theirs
        assert SECRET not in host.log()
        changed = {"url": server.url, "password": "env:MIRROR_PASSWORD"}
        host.write_config(
            default_config(host, mode="single", store={**store, **changed, "mirror": None})
        )
        host.start()  # and it is the first from now on
        fill(host, 2)
        assert host.stop() == 0
        assert host.cli("verify").code == 0


def test_a_mirror_follows_and_can_be_switched_to():
    host = Host()
    try:
        source, mirror = f"{host.folder}/tidelock.db", f"{host.folder}/mirror.db"
        host.start()
        fill(host, 5)
        assert host.stop() == 0
        plain = default_config(host)
        host.write_config(default_config(host, store={"path": source, "mirror": mirror}))
        host.start()
        host.await_log("the mirror has caught up")
        fill(host, 10)
        until(lambda: hashes(source)[-1] == hashes(mirror)[-1], 5, "the mirror having it all")
        host.kill()  # what it lacks now it gets at the next start
        host.start()
        fill(host, 3)
        assert host.stop() == 0
        assert hashes(source) == hashes(mirror), "a clean stop leaves nothing behind"
        host.write_config({**plain, "store": {"path": mirror}})
        host.start()
        fill(host, 2)
        assert host.stop() == 0
        assert host.cli("verify").code == 0
        host.write_config(default_config(host, store={"path": mirror, "mirror": source}))
        host.start()  # and back: the first is now the one that follows
        host.await_log("the mirror has caught up")
        assert host.stop() == 0
        assert hashes(source) == hashes(mirror)
    finally:
        host.clean()


def test_a_mirror_that_is_no_copy_is_refused():
    with Host() as one, Host() as two:
        fill(one, 1)
        fill(two, 2)
        assert one.stop() == 0 and two.stop() == 0
        store = {"path": f"{one.folder}/tidelock.db", "mirror": f"{two.folder}/tidelock.db"}
        one.write_config(default_config(one, store=store))
        one.start(wait=False)
        assert one.wait() == 1
        assert "no copy of this database" in one.log()


def test_another_history_is_refused():
    with Host() as one, Host() as two:
        fill(one, 2)
        fill(two, 3)
        assert one.stop() == 0 and two.stop() == 0
        before = hashes(f"{two.folder}/tidelock.db")
        result = command(
            "copy", "--from", f"{one.folder}/tidelock.db", "--to", f"{two.folder}/tidelock.db"
        )
        assert result.code == 1, result
        assert "it is no copy" in result.err or "is not the same in both" in result.err, result
        assert hashes(f"{two.folder}/tidelock.db") == before


def test_what_cannot_be_read_or_written_is_said():
    with Host() as host:
        fill(host, 1)
        assert host.stop() == 0
        source = f"{host.folder}/tidelock.db"
        result = command("copy", "--from", f"{host.folder}/none.db", "--to", f"{host.folder}/c.db")
        assert result.code == 1 and "none.db" in result.err, result
        result = command("copy", "--from", source, "--to", f"{host.folder}/no/such/folder.db")
        assert result.code == 1 and "folder" in result.err, result
        assert command("copy", "--from", source).code == 2
        with sqlite3.connect(source) as db:
            db.execute("DROP TRIGGER IF EXISTS events_no_update")
            for (name,) in db.execute(
                "SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='events'"
            ).fetchall():
                db.execute(f"DROP TRIGGER {name}")
            db.execute("UPDATE events SET kind='signal.Decided' WHERE seq=4")
        result = command("copy", "--from", source, "--to", f"{host.folder}/c.db")
        assert result.code == 1 and "event 4" in result.err, result
        assert not os.path.exists(f"{host.folder}/c.db-journal")


if __name__ == "__main__":
    main()
