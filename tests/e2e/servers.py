"""Real servers that hosts depend on: on free loopback ports, in folders of their own, ended by pid.

    with Redis() as redis:
        with Host(config(redis={"url": redis.url})) as host:
            redis.pause()
"""

import ctypes
import os
import shutil
import signal as traps
import socket
import subprocess
import tempfile

from harness import Skip, free_port, until

PR_SET_PDEATHSIG = 1


def end_with_us():
    """In the child: should the test be killed, its servers are too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, traps.SIGKILL)


class Redis:
    """One redis-server, empty at every start. Options as on its command line, without dashes:
    Redis(maxmemory="3mb", maxmemory_policy="allkeys-lru", replicaof=f"127.0.0.1 {port}")."""

    def __init__(self, **options):
        # The servers are one program with redis-check-rdb, whose package starts no service.
        self.program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        if not self.program:
            raise Skip("needs redis-tools")
        self.port, self.options, self.process, self.folder = free_port(), options, None, None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def command(self):
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        for name, value in self.options.items():
            words += ["--" + name.replace("_", "-"), *str(value).split()]
        return words

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                executable=self.program,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_us,
            )
        until(self.answers, what="redis-server answers")
        return self

    def answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                raise AssertionError(f"redis-server ended:\n{log.read()}")
        try:
            return self.say("PING") == "+PONG"
        except OSError:
            return False

    def say(self, command):
        """One command by hand; the first line of the answer, of a text the text itself."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.sendall(command.encode() + b"\r\n")
            with wire.makefile("rb") as answer:
                line = answer.readline().decode().strip()
                if line.startswith("$") and line != "$-1":
                    line = answer.read(int(line[1:])).decode()
                return line

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(traps.SIGSTOP)

    def resume(self):
        self.process.send_signal(traps.SIGCONT)

    def restart(self):
        if self.process.poll() is None:
            self.kill()
        return self.start()

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="tidelock-redis-")
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sentinel(Redis):
    """Watches the master `book` at `port`; decides with its fellows when `quorum` of them agree."""

    def __init__(self, port, quorum=1, down_ms=300):
        super().__init__()
        self.watched, self.quorum, self.down_ms = port, quorum, down_ms

    def command(self):
        path = os.path.join(self.folder, "sentinel.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
                f"sentinel monitor book 127.0.0.1 {self.watched} {self.quorum}\n"
                f"sentinel down-after-milliseconds book {self.down_ms}\n"
                "sentinel failover-timeout book 3000\n"
            )
        return ["redis-server", path, "--sentinel"]

    @property
    def url(self):
        return f"redis+sentinel://127.0.0.1:{self.port}/book"
