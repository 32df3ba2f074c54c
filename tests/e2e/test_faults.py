"""System calls that fail, descriptors that run out, processes that are stopped and asked to stop:
the sender hears 202 or to come again, and what was acknowledged reaches its end."""
import os
import shutil
import signal as traps
import subprocess
import threading
import time

from harness import PLAIN_STRATEGY, Host, Skip, default_config, main, now_iso, signal, until
from test_restart import INSTRUMENTS, Sender, final, judge

# A host that strace holds cannot be looked through for leaks.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


def loaded_host(**changes):
    host = Host()
    config = default_config(host, log={"level": "info", "format": "json"},
                            instruments=[{"name": n} for n in INSTRUMENTS],
                            staleness={"entry_max_age": "30d"}, **changes)
    host.write_strategy("plain", PLAIN_STRATEGY.replace('{"TEST"}', '"*"'))
    host.write_config(config)
    return host


def hold(seconds):
    """A fault has no end to wait for: it lasts."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, seconds + 5, "time passing")


class Fault:
    """strace failing a system call of a running host, while in the block."""

    def __init__(self, host, call, how, path=None):
        if not shutil.which("strace"):
            raise Skip("needs strace")
        self.pid = host.process.pid
        self.words = ["strace", "-f", "-o", "/dev/null", *(["-P", path] if path else []),
                      "-e", f"trace={call}", "-e", f"inject={call}:{how}", "-p", str(self.pid)]

    def traced(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return "TracerPid:\t0" not in file.read()

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stderr=subprocess.DEVNULL)
        until(self.traced, 5, "strace watching")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Load:
    """Senders at work while in the block; `accepted` and `refused` afterwards."""

    def __init__(self, host, count=3):
        self.senders = [Sender(host, seed) for seed in range(count)]

    def __enter__(self):
        for sender in self.senders:
            sender.start()
        return self

    def count(self):
        return sum(len(sender.accepted) for sender in self.senders)

    def grows(self, by, deadline_s=20):
        before = self.count()
        until(lambda: self.count() >= before + by, deadline_s, f"{by} signals accepted")

    def __exit__(self, *_):
        for sender in self.senders:
            sender.stopping = True
        for sender in self.senders:
            sender.join()
        self.accepted = [i for sender in self.senders for i in sender.accepted]
        self.refused = [answer for sender in self.senders for answer in sender.refused]


def settle(host, load):
    """All is well that ends well."""
    assert not load.refused, load.refused[:3]
    until(lambda: final(host, load.accepted), 30, "the end of what was accepted")
    doubled = {k: n for k, n in judge(host).items() if n > 1}
    assert not doubled, doubled
    assert host.stop() == 0
    done = host.cli("verify")
    assert done.code == 0, done


def test_disk_errors_are_503_and_pass():
    for call, how in (("fdatasync", "error=EIO:when=3+3"), ("pwrite64", "error=ENOSPC:when=7+7"),
                      ("pwrite64", "error=EIO:when=5+5"), ("fdatasync", "error=EIO"),
                      ("pread64", "error=EIO:when=2+5")):
        with loaded_host() as host:
            with Load(host) as load:
                load.grows(20)
                with Fault(host, call, how):
                    hold(0.7)
                load.grows(20)
            settle(host, load)


def test_running_out_of_descriptors_is_no_end():
    with Host() as host:
        for how in ("error=EMFILE:when=1+2", "error=EMFILE"):
            with Fault(host, "accept4", how), host.connect():
                for _ in range(4):
                    try:
                        host.get("/livez", timeout_s=0.3)
                    except (OSError, EOFError):
                        pass
            assert host.get("/livez").status == 200, how
        with open(f"/proc/{host.process.pid}/limits", encoding="ascii") as file:
            assert "Max open files" in file.read()
        used = len(os.listdir(f"/proc/{host.process.pid}/fd"))
        subprocess.run(["prlimit", f"--pid={host.process.pid}", f"--nofile={used + 8}"], check=True)
        idle = [host.connect() for _ in range(40)]
        for connection in idle:
            connection.close()
        until(lambda: host.post("/webhook/test", signal()).status in (200, 202), 5, "an answer")
        assert host.stop() == 0


def test_a_thousand_idle_connections_leave_room():
    with Host() as host:
        before = host.rss_kib()
        idle = [host.connect() for _ in range(1000)]
        idle[0].send(b"POST /webhook/test HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        for n in range(20):
            assert host.post("/webhook/test", signal(timestamp=now_iso(-n))).status in (200, 202)
        assert host.rss_kib() - before < 60 * 1024, host.rss_kib() - before
        flood = []
        for _ in range(200):  # beyond the limit of 1,024
            flood.append(host.connect())
        for connection in idle + flood:
            connection.close()
        until(lambda: host.get("/livez").status == 200, 10, "an answer")
        fds = f"/proc/{host.process.pid}/fd"
        until(lambda: len(os.listdir(fds)) < 60, 20, "the connections' descriptors given back")


def test_stopped_and_continued():
    with loaded_host() as host:
        with Load(host) as load:
            for _ in range(2):
                load.grows(20)
                host.process.send_signal(traps.SIGSTOP)
                hold(1.5)
                host.process.send_signal(traps.SIGCONT)
            load.grows(20)
        settle(host, load)


def test_stop_in_a_burst():
    for round_ in range(4):
        with loaded_host(broker={"kind": "paper", "latency": "20ms"}) as host:
            with Load(host, 4) as load:
                load.grows(10 + 7 * round_)
                assert host.stop(traps.SIGTERM if round_ % 2 else traps.SIGINT) == 0, host.log()
            assert host.cli("verify").code == 0
            host.start()
            settle(host, load)


def test_stop_while_somebody_waits_for_a_decision():
    with loaded_host() as host:
        answers = []

        def ask(n):
            try:
                answers.append(host.post("/webhook/test?wait=decision",
                                         signal(instrument="I0", timestamp=now_iso(-n))).status)
            except (OSError, EOFError):
                answers.append(0)  # refused: never accepted

        with Fault(host, "fdatasync", "delay_enter=200000"):
            askers = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
            for asker in askers:
                asker.start()
            hold(0.1)
            host.process.send_signal(traps.SIGTERM)
            for asker in askers:
                asker.join()
            assert host.wait() == 0
        assert len(answers) == 12 and set(answers) <= {0, 200, 202, 503}, answers
        assert host.cli("verify").code == 0


def test_stop_while_it_takes_over():
    # What was being sent stays unknown until its time is over: a stop does not wait for that here.
    with loaded_host(broker={"kind": "paper", "latency": "100ms"},
                     shutdown={"cancel_orders": "300ms"}) as host:
        with Load(host) as load:
            load.grows(20)
            host.kill()
        for delay_s in (0.03, 0.06, 0.1, 0.15):
            host.start(wait=False)
            hold(delay_s)
            host.process.send_signal(traps.SIGTERM)
            assert host.wait(10) in (0, 1, -15), host.log()[-2000:]
        host.start()
        settle(host, load)


def test_a_second_start_while_the_first_stops():
    with loaded_host(broker={"kind": "paper", "latency": "50ms"}) as host:
        with Load(host) as load:
            load.grows(20)
            first = host.process
            first.send_signal(traps.SIGTERM)
            others = []
            while first.poll() is None:
                host.start(wait=False)
                others.append(host.process)
                hold(0.05)
            assert first.wait() == 0
        for process in others:
            if process.poll() is None:
                process.terminate()
            assert process.wait(20) in (0, 1, -15)
        host.start()
        settle(host, load)


if __name__ == "__main__":
    main(limit_s=90)
