"""What is wrong is refused clearly: configurations, strategies, databases, ports, folders, with the
exit codes of the contract."""
import os
import shutil
import sqlite3
import subprocess

from harness import Host, Skip, default_config, free_port, main, now_iso, signal, until


def fails(host, code, *words):
    host.start(wait=False)
    got = host.wait(20)
    log = host.log()
    assert got == code, (got, log)
    for word in words:
        assert word in log, (word, log)


def test_every_fault_of_a_config_with_its_line():
    host = Host()
    try:
        host.write_config(
            """return {
    listen = "127.0.0.1:99999",
    stor = { path = "x" },
    instruments = { { name = "TEST", tick = "0" } },
    strategies = { { name = "plain" } },
    sources = { { name = "test" } },
    rails = { max_position = "1" },
}
"""
        )
        done = host.cli("check")
        assert done.code == 78, done
        for words in (
            ":2: listen",
            ':3: stor: unknown setting; did you mean "store"',
            "instruments[1].tick",
            "proves nothing",
            "rails.max_daily_loss",
        ):
            assert words in done.err, (words, done)
        fails(host, 78, "did you mean")
    finally:
        host.clean()


def test_config_that_is_not_lua_or_runs_code():
    host = Host()
    try:
        for text in (
            "return {",
            "return { a = os.exit(1) }",
            "while true do end",
            "return 5",
            "x = 1",
        ):
            host.write_config(text)
            done = host.cli("check")
            assert done.code == 78 and done.err, (text, done)
    finally:
        host.clean()


def test_broken_strategy_is_named_with_its_line():
    host = Host()
    try:
        host.write_strategy("plain", "return {\n  name = 'plain',\n  gates = = 1\n}\n")
        fails(host, 78, "strategy.lua:3")
    finally:
        host.clean()


def test_second_process_on_the_same_database():
    with Host() as host:
        other = Host(folder=host.folder, port=free_port())
        other.log_path += ".second"
        fails(other, 1, "tidelock.db", str(host.process.pid))
        assert host.post("/webhook/test", signal()).status == 202


def test_second_process_by_another_name():
    """Two names are two locks and, of a hard link, two journals of one database."""
    with Host() as host:
        path = os.path.join(host.folder, "tidelock.db")
        for link, word in ((os.symlink, str(host.process.pid)), (os.link, "hard links")):
            other = Host()
            try:
                link(path, os.path.join(other.folder, "tidelock.db"))
                fails(other, 1, "tidelock.db", word)
            finally:
                other.clean()
            assert host.post("/webhook/test", signal()).status == 202


def test_a_database_that_is_taken_away_is_not_written():
    """An open file lives on without its name: what is committed to it nobody would find again."""
    host = Host()
    path = os.path.join(host.folder, "tidelock.db")

    def replace():
        shutil.copy(path, path + ".old")
        os.rename(path, path + ".away")
        os.rename(path + ".old", path)

    def delete():
        os.rename(path, path + ".away")

    def delete_log():
        os.rename(path + "-wal", path + "-wal.away")

    def empty():
        shutil.copy(path, path + ".away")
        os.truncate(path, 0)

    try:
        host.start()
        for spoil in (replace, delete, delete_log):
            assert host.post("/webhook/test", signal()).status == 202, spoil
            spoil()
            lost = host.post("/webhook/test", signal())
            assert lost.status == 503 and "under the host" in lost.text, (spoil, lost)
            until(lambda: host.get("/readyz").status == 503, 10, "not ready")
            for name in os.listdir(host.folder):
                if name.endswith(".away"):  # put back, it is the same file
                    away = os.path.join(host.folder, name)
                    os.rename(away, away[: -len(".away")])
            until(lambda: host.post("/webhook/test", signal()).status == 202, 20, "taken again")
        stored = len(host.get("/api/signals?limit=1000").json())
        assert host.stop() == 0
        host.start()
        assert len(host.get("/api/signals?limit=1000").json()) == stored
        empty()
        assert host.post("/webhook/test", signal()).status == 503
        host.stop()
    finally:
        host.clean()


def test_taken_port():
    with Host() as host:
        other = Host(port=host.port)
        try:
            fails(other, 1, str(host.port))
        finally:
            other.clean()


def test_newer_schema_and_foreign_file():
    host = Host()
    try:
        host.start()
        host.stop()
        path = os.path.join(host.folder, "tidelock.db")
        with sqlite3.connect(path) as db:
            db.execute(
                "insert into schema_migrations select 9999, 'future', sha256, applied_at "
                "from schema_migrations limit 1"
            )
        fails(host, 1, "9999")
        for name in os.listdir(host.folder):
            if name.startswith("tidelock.db"):
                os.remove(os.path.join(host.folder, name))
        with open(path, "wb") as file:
            file.write(b"this is a letter to my bank, not a database" * 100)
        fails(host, 1, "tidelock.db")
    finally:
        host.clean()


def test_read_only_folder():
    host = Host()
    mount = os.path.join(host.folder, "ro")
    os.mkdir(mount)
    if (
        os.getuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "ro", "none", mount], check=False
        ).returncode
    ):
        host.clean()
        raise Skip("needs root and mount")
    try:
        host.write_config(default_config(host, store={"path": "{DIR}/ro/tidelock.db"}))
        fails(host, 1, "ro")
    finally:
        subprocess.run(["umount", mount], check=False)
        host.clean()


def fill(path):
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(handle, b"x" * 4096)
    except OSError:
        pass  # full
    finally:
        os.close(handle)


def test_full_disk_is_503_and_recovers():
    host = Host()
    mount = os.path.join(host.folder, "small")
    os.mkdir(mount)
    if (
        os.getuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "none", mount], check=False
        ).returncode
    ):
        host.clean()
        raise Skip("needs root and mount")
    try:
        host.write_config(
            default_config(
                host,
                store={"path": "{DIR}/small/tidelock.db"},
                staleness={"entry_max_age": "30d"},
                log={"level": "warn", "format": "json"},
                broker={"kind": "paper", "journal": "{DIR}/journal"},
            )
        )
        host.start()
        filler = os.path.join(mount, "filler")
        fill(filler)
        statuses = []
        for n in range(200):
            statuses.append(
                host.post(
                    "/webhook/test",
                    signal(timestamp=now_iso(-n), **{f"note{i}": "x" * 100 for i in range(20)}),
                ).status
            )
            if statuses[-1] == 503:
                break
        assert 503 in statuses, statuses
        os.remove(filler)
        until(
            lambda: host.post("/webhook/test", signal(timestamp=now_iso(-500))).status
            in (200, 202),
            10,
            "writes going through again",
        )
        until(lambda: host.get("/readyz").status == 200)
        assert host.stop() == 0
        assert host.cli("verify").code == 0, host.cli("verify")
    finally:
        host.clean() if not host.running() else host.kill()
        subprocess.run(["umount", mount], check=False)
        shutil.rmtree(host.folder, ignore_errors=True)


def test_usage_errors_are_2():
    host = Host()
    try:
        for words in (
            ["nonsense"],
            ["halt"],
            ["explain"],
            ["migrate", "sideways"],
            ["run", "--nope"],
        ):
            done = host.cli(*words) if words[0] != "nonsense" else host.cli("nonsense")
            assert done.code == 2 and done.err, (words, done)
    finally:
        host.clean()


if __name__ == "__main__":
    main()
