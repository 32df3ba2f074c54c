"""Hosts on machines of their own, and the wires between them and the database, Redis and the
exchange cut in the ways networks are. The judge is the exchange's own book (cluster.py)."""

from cluster import Cluster, Sender
from harness import main, until
from net import Net


def leads_another(cluster, than):
    """A host other than `than` leads, by the log's own word."""
    name = f"h{cluster.hosts.index(than)}"

    def other():
        rows = cluster.rows("SELECT holder FROM leases WHERE id = 'leader' AND term > 0")
        return rows and rows[0][0] != name and rows[0][0]

    return until(other, 60, f"somebody else than {name} leads")


def is_back(cluster, host, term):
    until(lambda: cluster.term_of(host) > term, 60, "it joins again with a new term")
    host.await_ready(60)


def cut_off(cluster, sender, host, *ports, **how):
    """The leader, so cut that it cannot act any more: another leads, life goes on; then healed."""
    term = cluster.term_of(host)
    host.node.cut(*ports, **how)
    leads_another(cluster, host)
    sender.await_promises(10, 60)
    host.node.heal()
    is_back(cluster, host, term)


def test_partitions():
    with Net() as net, Cluster(3, mode="active_passive", net=net) as cluster:
        with Sender(cluster, threads=3, pause_s=0.05) as sender:
            sender.await_promises(10)
            # Nobody needs another instance, and Redis only makes things fast.
            leader = cluster.leader()
            term = cluster.term_of(leader)
            for host in cluster.hosts:
                host.node.cut(cluster.redis.port)
            sender.await_promises(20, 60)
            assert cluster.leader() is leader and cluster.term_of(leader) == term
            for host in cluster.hosts:
                host.node.heal()
            # Not a packet to or from the database; then what it says is lost; then all is lost.
            cut_off(cluster, sender, leader, cluster.pg.port)
            cut_off(cluster, sender, cluster.leader(), cluster.pg.port, ways=("in",))
            cut_off(cluster, sender, cluster.leader())
            sender.await_promises(10, 60)
        cluster.judge(sender, 60)


def test_replies_that_are_lost_and_connections_that_are_reset():
    """What was asked may have been done: nothing is lost, nothing is done twice."""
    with Net() as net, Cluster(3, net=net) as cluster:
        with Sender(cluster, threads=3, pause_s=0.05) as sender:
            servers = (cluster.pg.port, cluster.venue.port, cluster.redis.port)
            for number, port in enumerate(servers):
                sender.await_promises(10, 60)
                host = cluster.hosts[number]
                host.node.cut(port, ways=("in",), how="meta length > 70 drop")
                sender.await_promises(10, 60)
                host.node.heal()
            for number, port in enumerate(servers):
                sender.await_promises(10, 60)
                host = cluster.hosts[number]
                host.node.cut(port, ways=("out",), how="reject with tcp reset")
                sender.await_promises(10, 60)
                host.node.heal()
            sender.await_promises(10, 60)
        for host in cluster.hosts:
            host.await_ready(60)
        cluster.judge(sender, 60)


if __name__ == "__main__":
    main(limit_s=150)
