"""kill -9 at the n-th write, flush, send and receive of a host at work: then a start, and nothing
acknowledged is lost, nothing was ordered twice, and the books add up.

POINTS=n takes that many points instead of the few of a test run; `make soak` takes them all.
"""
import os
import random
import shutil
import subprocess
import threading

from harness import PROGRAM, Host, Skip, default_config, main, now_iso, signal, until
from test_restart import final, judge

# A host that strace holds cannot be looked through for leaks.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"

INSTRUMENTS = [f"I{n}" for n in range(90)]  # three a point: an unknown order blocks its own
# System call, and up to which one of it: what comes later repeats what came before.
AT_WORK = {"pwrite64": 90, "fdatasync": 24, "write": 30, "sendmsg": 12, "recvfrom": 12,
           "epoll_wait": 40, "futex": 40, "accept4": 8}
AT_START = {"pwrite64": 20, "fdatasync": 4, "write": 12, "epoll_wait": 20, "openat": 60}


def config(host):
    value = default_config(
        host,
        log={"level": "info", "format": "json"},
        broker={"kind": "paper", "latency": "2ms", "partial_permille": 400, "reject_permille": 100},
        instruments=[{"name": n} for n in INSTRUMENTS],
        staleness={"entry_max_age": "30d"},
    )
    host.write_strategy("plain", """return {
    name = "plain", version = "1", instruments = "*",
    gates = {{name = "always", check = function() return true end}},
    size = function() return {quantity = 4, limited_by = "test"} end,
}
""")
    return value


def points(count, seed):
    """An even choice of (phase, system call, n), the same for the same seed."""
    every = [("work", call, n) for call, top in AT_WORK.items() for n in range(1, top + 1)]
    every += [("start", call, n) for call, top in AT_START.items() for n in range(1, top + 1)]
    random.Random(seed).shuffle(every)
    return every[:count]


class Lorry(threading.Thread):
    """Sends a few signals for one instrument and remembers what was acknowledged."""

    def __init__(self, host, instrument, serial, accepted):
        super().__init__(daemon=True)
        self.host, self.instrument, self.accepted = host, instrument, accepted
        self.serial = serial

    def run(self):
        for n, (kind, layer) in enumerate((("BASE_ENTRY", "Long_1"), ("PYRAMID", "Long_2"),
                                           ("EXIT", "ALL"), ("BASE_ENTRY", "Long_1"))):
            body = signal(kind, layer, instrument=self.instrument,
                          timestamp=now_iso(-10 * self.serial - n))
            try:
                answer = self.host.post("/webhook/test", body, timeout_s=5)
            except (OSError, EOFError, ValueError, IndexError):
                return  # killed under way
            assert answer.status in (200, 202, 503), answer
            if answer.status != 503:
                self.accepted.append(answer.json()["id"])


def load(host, serial, accepted):
    names = [INSTRUMENTS[(3 * serial + n) % len(INSTRUMENTS)] for n in range(3)]
    lorries = [Lorry(host, name, serial, accepted) for name in names]
    for lorry in lorries:
        lorry.start()
    for lorry in lorries:
        lorry.join()


def strace(call, n, *words):
    return ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:signal=KILL:when={n}", *words]


def watched(host):
    with open(f"/proc/{host.process.pid}/status", encoding="ascii") as file:
        return "TracerPid:\t0" not in file.read()


def crash_at_work(host, call, n, serial, accepted):
    host.start()
    tracer = subprocess.Popen(strace(call, n, "-p", str(host.process.pid)),
                              stderr=subprocess.DEVNULL)
    until(lambda: watched(host) or host.process.poll() is not None, 5, "strace watching")
    load(host, serial, accepted)
    hit = host.process.poll() is not None
    if not hit:
        host.kill()  # the point lies beyond the load
    host.process.wait()
    tracer.wait()
    return hit


def crash_at_start(host, call, n, serial, accepted):
    """Dies with work under way, then again while it takes that work over. With -D it is the host,
    not strace, that is our child."""
    host.start()
    worker = threading.Thread(target=load, args=(host, serial, accepted), daemon=True)
    worker.start()
    before = len(accepted)
    until(lambda: len(accepted) > before + 3 or not worker.is_alive(), 10, "signals acknowledged")
    host.kill()
    worker.join()
    with open(host.log_path, "ab") as log:
        process = subprocess.Popen(
            strace(call, n, "-D", PROGRAM, "run", "--config", host.config_path),
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        process.wait(timeout=0.4)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def test_crash_points():
    if not shutil.which("strace"):
        raise Skip("needs strace")
    host, accepted, hits = Host(), [], 0
    try:
        host.write_config(config(host))
        for serial, point in enumerate(points(int(os.environ.get("POINTS", "60")),
                                              int(os.environ.get("SEED", "1")))):
            phase, call, n = point
            try:
                crash = crash_at_work if phase == "work" else crash_at_start
                hits += crash(host, call, n, serial, accepted)
                host.start()
                final(host, accepted[-40:])  # none is lost; their end is awaited once, below
                doubled = {k: c for k, c in judge(host).items() if c > 1}
                assert not doubled, doubled
                host.kill()
                done = host.cli("verify")
                assert done.code == 0, done
            except (AssertionError, OSError) as error:
                raise AssertionError(f"at {phase}, {call} number {n}: {error}") from error
        assert len(accepted) > 100 and hits > 10, (len(accepted), hits)
        host.start()
        until(lambda: final(host, accepted), 60, "the end of everything acknowledged")
        doubled = {k: c for k, c in judge(host).items() if c > 1}
        assert not doubled, doubled
        assert host.stop() == 0
        print(f"    {hits} of the points were reached, {len(accepted)} signals acknowledged")
    finally:
        if os.environ.get("KEEP"):
            print("    kept", host.folder)
        else:
            host.clean()


if __name__ == "__main__":
    main(limit_s=int(os.environ.get("LIMIT", "150")))
