"""Two hosts on one book, one of which dies or stands still while it rolls a position: the other
goes on where it was, and the venue's book has each leg once. STAGES=all takes every stage.
"""
import os
import signal as traps
from contextlib import contextmanager

from harness import Host, main, until
from servers import Postgres
from test_rollover_venue import (
    ROLLED,
    STAGES,
    config,
    enter,
    later,
    listing,
    reach,
    set_rolling,
    settled,
    traded,
)

CHOSEN = STAGES if os.environ.get("STAGES") == "all" else (STAGES[0], STAGES[3])


@contextmanager
def two_hosts():
    """A venue, the database, and two running hosts on it; a failure tells what all of them did."""
    with listing() as venue, Postgres() as pg:
        hosts = [make_host(name, venue, pg) for name in ("h0", "h1")]
        try:
            for host in hosts:
                host.start(deadline_s=30)
            yield venue, pg, hosts
        except BaseException:
            tell(venue, hosts)
            raise
        finally:
            for host in hosts:
                host.clean()


def make_host(name, venue, pg):
    host = Host(env={"OPENALGO_KEY": venue.api_key})
    more = {
        "mode": "active_active",
        "instance": name,
        "store": {"url": pg.url, "spool": "{DIR}/spool"},
        "leases": {"ttl": "1s", "dead_after": "1500ms"},
    }
    host.write_config(config(host, venue, **more))
    set_rolling(host, False)
    return host


def tell(venue, hosts):
    for host in hosts:
        print(f"    {host.folder}: the log ends:\n" + host.log()[-6000:])
    for entry in venue.requests(path="/api/v1/placeorder"):
        print("   ", entry)


def who_rolls(hosts, pg):
    """The host whose name is in the event that began it."""
    begun = pg.sql("SELECT instance FROM events WHERE kind = 'rollover.begun'")
    assert len(begun) == 1, begun
    return hosts[int(begun[0][0][1:])]


def test_116_two_hosts_and_the_one_that_rolls_is_killed():
    for stage in CHOSEN:
        with two_hosts() as (venue, pg, hosts):
            reach(venue, hosts, stage)
            rolling_one = who_rolls(hosts, pg)
            rolling_one.kill()
            settled(venue, hosts)
            if stage == STAGES[2]:  # the far leg stands there: it is found
                assert traded(venue) == ROLLED, (stage, traded(venue))


def test_117_two_hosts_and_the_one_that_rolls_stands_still():
    with two_hosts() as (venue, pg, hosts):
        reach(venue, hosts, STAGES[2])
        still = who_rolls(hosts, pg)
        still.process.send_signal(traps.SIGSTOP)
        other = [host for host in hosts if host is not still]
        settled(venue, other)
        still.process.send_signal(traps.SIGCONT)
        later(venue, other[0])
        settled(venue, other)
        assert traded(venue) == ROLLED, traded(venue)


def test_a_follower_says_who_works_an_order():
    with two_hosts() as (venue, pg, hosts):
        venue.fault("drop_before", path="/api/v1/orderbook", times=0)
        venue.fault("error_500_after", path="/api/v1/placeorder")
        enter(hosts[0])
        order = until(lambda: hosts[1].get("/api/orders?state=unknown").json(), 20, "unknown")
        named = order[0]["id"]
        holder = pg.sql("SELECT holder FROM leases WHERE id LIKE '%BANK%' AND term > 0")[0][0]
        other = hosts[1 - int(holder[1:])]
        done = other.cli("order", "resolve", named, "--as", "rejected", "--reason", "not there")
        assert done.code == 1 and f"instance {holder}" in done.out + done.err, done
        done = other.cli("order", "cancel", named, "--reason", "x")
        assert done.code == 1 and f"instance {holder}" in done.out + done.err, done


if __name__ == "__main__":
    main(limit_s=200)
