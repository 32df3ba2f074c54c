"""A real pgbouncer between the hosts and PostgreSQL: sessions are pooled with a way around it for
the sign of life, and whatever would half work is refused at the start."""

import contextlib
import os
import subprocess

from cluster import Cluster, Sender, leads
from harness import Host, default_config, main, until
from servers import Pooler, Postgres


@contextlib.contextmanager
def host_on(**store):
    host = Host()
    host.write_config(default_config(host, store={"spool": "{DIR}/spool", **store}))
    try:
        yield host
    finally:
        host.clean()


def refusal(**store):
    """What it says instead of starting."""
    with host_on(**store) as host:
        host.start(wait=False)
        assert host.wait(60) == 78, host.log()
        return host.log()


def has_tables(server):
    return server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") != [["0"]]


def test_what_would_half_work_is_refused():
    with Postgres() as server:
        for mode in ("transaction", "statement"):
            with Pooler(server, mode) as pooler:
                log = refusal(url=pooler.url, direct=server.url)
                assert "pool_mode = session" in log, log
                with host_on(url=pooler.url) as host:
                    up = host.cli("migrate", "up")
                    assert up.code == 1 and "pool_mode = session" in up.err, up
        with Pooler(server, "session") as pooler:
            log = refusal(url=pooler.url)
            assert "store.direct: it is needed" in log, log
            log = refusal(url=server.url, direct=pooler.url)
            assert "store.direct: it goes through a pooler" in log, log
        tables = server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables == [["0"]], tables


def test_a_pooler_of_transactions_is_found_while_others_use_it():
    """Whichever of its sessions is free at a moment."""
    with Postgres() as server, Pooler(server, "transaction") as pooler:
        script = os.path.join(pooler.folder, "sleep.sql")
        with open(script, "w", encoding="ascii") as file:
            file.write("SELECT pg_sleep(0.001);\n")
        others = subprocess.Popen(
            [server.bin + "pgbench", "-n", "-f", script, "-c", "4", "-T", "600", pooler.url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: len(pooler.sessions()) > 1, 30, "its sessions are in use")
            for _ in range(5):
                log = refusal(url=pooler.url, direct=server.url)
                assert "pool_mode = session" in log, log
        finally:
            others.kill()
            others.wait()


def test_sessions_are_pooled():
    server = Postgres()
    with Pooler(server, "session") as pooler:
        store = {"url": pooler.url, "direct": server.url, "spool": "{DIR}/spool"}
        with Cluster(2, pg=server, store=store, dead_after="60s") as cluster:
            with Sender(cluster) as sender:
                sender.await_promises(40, 30)
                assert len(pooler.sessions()) >= 2, "both write through it"
                leader = cluster.leader(30)
                other = next(host for host in cluster.hosts if host is not leader)
                leader.kill()  # its session at the server ends with it, long before dead_after
                until(lambda: leads(other), 30, "the other one leads")
                sender.await_promises(20, 30)
                pooler.restart()
                sender.await_promises(40, 60)
                leader.start(wait=False)
                leader.await_ready(60)
                sender.await_promises(20, 30)
            cluster.judge(sender, 30)


if __name__ == "__main__":
    main()
