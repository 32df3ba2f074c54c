"""The command line on PostgreSQL: migrations, verification, refusals, a secret that stays one."""

import subprocess
import time

from harness import PROGRAM, Host, default_config, main
from servers import Postgres

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


if __name__ == "__main__":
    main()
