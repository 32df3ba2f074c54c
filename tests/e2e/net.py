"""Machines of their own for hosts: network namespaces whose wires can be cut, one way or both.

    with Net() as net, Cluster(3, net=net) as cluster:
        cluster.hosts[0].node.cut(cluster.pg.port)      # packets to and from the database vanish
        cluster.hosts[0].node.cut(ways=("in",))         # nothing is heard any more
        cluster.hosts[0].node.heal()

The test itself and every server live in a namespace that is made for the test and goes with it;
nothing of the machine's own network is touched. Skips where namespaces cannot be made.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess

from harness import Skip
from servers import end_with_us

CLONE_NEWNET = 0x40000000
HUB = "10.77.0.1"
LIBC = ctypes.CDLL(None, use_errno=True)


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"network namespaces do not work here: {' '.join(words)}: {done.stderr.strip()}")


def enter(descriptor):
    """This thread, into a namespace."""
    if LIBC.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Port(int):
    """A port of a node's own loopback: who connects goes there for a moment."""

    def __new__(cls, value, node):
        port = super().__new__(cls, value)
        port.node = node
        return port

    def connect(self, timeout_s):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            enter(self.node.descriptor)
            return socket.create_connection(("127.0.0.1", int(self)), timeout=timeout_s)
        finally:
            enter(home)
            os.close(home)


class Node:
    def __init__(self, index):
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"],
            stdout=subprocess.PIPE,
            preexec_fn=end_with_us,
        )
        if not self.holder.stdout.readline():
            raise Skip("network namespaces cannot be made here")
        pid = str(self.holder.pid)
        self.prefix = ["nsenter", "--net", "--target", pid, "--"]
        self.descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            self.wire(index, pid)
        except BaseException:
            self.close()
            raise

    def wire(self, index, pid):
        run("ip", "link", "add", f"n{index}", "type", "veth", "peer", "name", "wire", "netns", pid)
        run("ip", "addr", "add", f"10.77.{index}.1/24", "dev", f"n{index}")
        run("ip", "link", "set", f"n{index}", "up")
        for words in (
            ["ip", "link", "set", "lo", "up"],
            ["ip", "addr", "add", f"10.77.{index}.2/24", "dev", "wire"],
            ["ip", "link", "set", "wire", "up"],
            ["ip", "route", "add", "default", "via", f"10.77.{index}.1"],
        ):
            self.run(*words)
        self.rules("add table inet faults")

    def run(self, *words):
        run(*self.prefix, *words)

    def rules(self, text):
        self.run("nft", text)

    def cut(self, *ports, ways=("in", "out"), how="drop"):
        """Of these ports of servers, or of everything, nothing passes. `how` may be any verdict of
        nft, or a condition before it: "reject with tcp reset", "meta length > 70 drop" (what has a
        payload is lost, what acknowledges passes)."""
        lines = ["add table inet faults", "flush table inet faults"]
        for way in ways:
            hook, other = ("input", "sport") if way == "in" else ("output", "dport")
            lines.append(f"add chain inet faults {way} {{ type filter hook {hook} priority 0; }}")
            which = f"tcp {other} {{ {', '.join(str(int(port)) for port in ports)} }}"
            mine = f"{'i' if way == 'in' else 'o'}ifname"
            lines.append(f"add rule inet faults {way} {which if ports else mine + ' wire'} {how}")
        self.rules("\n".join(lines))

    def heal(self):
        self.rules("delete table inet faults\nadd table inet faults")

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        os.close(self.descriptor)


class Net:
    def __enter__(self):
        missing = [word for word in ("ip", "nft", "unshare", "nsenter") if not shutil.which(word)]
        if missing or os.geteuid():
            raise Skip(f"needs {', '.join(missing) or 'root'} to make network namespaces")
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.nodes = []
        if LIBC.unshare(CLONE_NEWNET):
            os.close(self.home)
            raise Skip(f"network namespaces cannot be made: {os.strerror(ctypes.get_errno())}")
        try:
            run("ip", "link", "set", "lo", "up")
            run("ip", "addr", "add", HUB + "/32", "dev", "lo")
        except BaseException:
            self.__exit__()
            raise
        return self

    def node(self):
        self.nodes.append(Node(len(self.nodes) + 1))
        return self.nodes[-1]

    def __exit__(self, *_):
        for node in self.nodes:
            with contextlib.suppress(OSError):
                node.close()
        enter(self.home)
        os.close(self.home)


def hub(url):
    """A server's address as nodes see it."""
    return url.replace("127.0.0.1", HUB)
