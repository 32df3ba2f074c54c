"""Real servers that hosts depend on: on free loopback ports, in folders of their own, ended by pid.

    with Redis() as redis:
        with Host(config(redis={"url": redis.url})) as host:
            redis.pause()
"""

import contextlib
import ctypes
import glob
import os
import pwd
import shutil
import signal as traps
import socket
import subprocess
import tempfile
import threading

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
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as wire:
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


class Way:
    """To a server's port; after mute() what is asked arrives and no answer comes back, until
    hear()."""

    def __init__(self, port):
        self.to, self.answers = port, threading.Event()
        self.answers.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def mute(self):
        self.answers.clear()

    def hear(self):
        self.answers.set()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                try:
                    far = socket.create_connection(("127.0.0.1", self.to))
                except OSError:
                    near.close()
                    continue
                for pair in ((near, far, None), (far, near, self.answers)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    @staticmethod
    def _pass(source, sink, gate):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if gate:
                    gate.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hear()
        self.listener.close()


def is_running(pid):
    """One that has ended and that nobody has waited for does not."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    return False


class Unprivileged:
    """A server that refuses to be run by root. start() makes self.process; a paused server keeps
    its sockets open and says nothing."""

    user = None

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tidelock-server-")
        self.port = free_port()
        self.process = None
        if os.geteuid() == 0:
            for name in ("postgres", "nobody"):
                with contextlib.suppress(KeyError):
                    self.user = pwd.getpwnam(name)
                    break
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def _child(self):
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        end_with_us()

    def _options(self):
        log = open(os.path.join(self.folder, "log"), "ab")
        return {"stdout": log, "stderr": log, "cwd": self.folder, "preexec_fn": self._child}

    def _spawn(self, argv):
        self.process = subprocess.Popen(argv, **self._options())

    def _processes(self):
        mine = [self.process.pid]
        for stat in glob.glob("/proc/[0-9]*/stat"):
            with contextlib.suppress(OSError):
                with open(stat, encoding="utf-8", errors="replace") as f:
                    text = f.read()
                if int(text[text.rindex(")") + 4 :].split()[0]) == self.process.pid:
                    mine.append(int(text.split(" ", 1)[0]))
        return mine

    def signal(self, sig):
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)

    def pause(self):
        self.signal(traps.SIGSTOP)

    def resume(self):
        self.signal(traps.SIGCONT)

    def kill(self):
        """As if the machine had gone: of what it held, memory for one, nothing is left."""
        if self.process:
            self.process.send_signal(traps.SIGSTOP)  # it makes no child that would be overlooked
            mine = self._processes()
            self.signal(traps.SIGKILL)
            self.process.wait()
            until(lambda: not any(map(is_running, mine)), 30, "its processes have ended")
        self.process = None

    def restart(self):
        self.kill()
        self.start()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Unprivileged):
    """.url names a database of its own; .base() makes another one. Durable: fsync stays on."""

    def __init__(self, durable=False, settings=()):
        super().__init__()
        versions = glob.glob("/usr/lib/postgresql/*/bin")
        newest = max(versions, key=lambda v: int(v.split("/")[4]), default=None)
        self.bin = newest + "/" if newest else ""
        self.data = os.path.join(self.folder, "data")
        self.settings = [f"fsync={'on' if durable else 'off'}", *settings]
        self.url = f"postgresql://tidelock@127.0.0.1:{self.port}/postgres"

    def start(self):
        if not os.path.exists(self.data):
            argv = [self.bin + "initdb", "-N", "-A", "trust", "-U", "tidelock", "-E", "UTF8"]
            subprocess.run([*argv, "--locale=C", "-D", self.data], check=True, **self._options())
        pidfile = os.path.join(self.data, "postmaster.pid")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(pidfile)
        argv = [self.bin + "postgres", "-D", self.data, "-p", str(self.port), "-k", self.folder]
        for setting in ("listen_addresses=127.0.0.1", "max_connections=100", *self.settings):
            argv += ["-c", setting]
        self._spawn(argv)

        def ready():
            with contextlib.suppress(OSError):
                with open(pidfile, encoding="utf-8") as f:
                    if any(line.startswith("ready") for line in f):
                        return True
            if self.process.poll() is not None:
                with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                    raise AssertionError(f"PostgreSQL ended:\n{log.read()[-2000:]}")
            return False

        until(ready, 30, "PostgreSQL")

    def base(self, name):
        argv = [self.bin + "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tidelock"]
        subprocess.run([*argv, name], check=True)
        return f"postgresql://tidelock@127.0.0.1:{self.port}/{name}"

    def sql(self, text, url=None):
        """Rows as lists of texts."""
        out = subprocess.run(
            [self.bin + "psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", text]
            + [url or self.url],
            check=True,
            capture_output=True,
            text=True,
        )
        return [line.split("\t") for line in out.stdout.splitlines()]


class Pooler(Unprivileged):
    """pgbouncer before a server; `mode` as its pool_mode."""

    def __init__(self, server, mode):
        super().__init__()
        self.program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        if not os.path.exists(self.program):
            raise Skip("needs pgbouncer")
        self.server, self.mode = server, mode
        self.url = server.url.replace(f":{server.port}/", f":{self.port}/")

    def start(self):
        path = os.path.join(self.folder, "pgbouncer.ini")
        with open(path, "w", encoding="ascii") as file:
            file.write(
                f"[databases]\n* = host=127.0.0.1 port={self.server.port}\n[pgbouncer]\n"
                f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
                f"pool_mode = {self.mode}\nauth_type = trust\n"
                f"auth_file = {self.folder}/users\n"
                "default_pool_size = 40\nmax_client_conn = 100\nadmin_users = tidelock\n"
            )
        with open(os.path.join(self.folder, "users"), "w", encoding="ascii") as file:
            file.write('"tidelock" ""\n')
        self._spawn([self.program, path])

        def answers():
            if self.process.poll() is not None:
                with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                    raise AssertionError(f"pgbouncer ended:\n{log.read()[-2000:]}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=60).close()
                return True
            return False

        until(answers, 30, "pgbouncer listens")

    def sessions(self):
        """Those that it has at the server now."""
        return self.server.sql("SHOW SERVERS", self.url.rpartition("/")[0] + "/pgbouncer")


class Replica(Postgres):
    """Follows another one, streaming; answers reads."""

    def __init__(self, of):
        super().__init__()
        self.of = of

    def start(self):
        if not os.path.exists(self.data):
            argv = [self.bin + "pg_basebackup", "-h", "127.0.0.1", "-p", str(self.of.port)]
            argv += ["-U", "tidelock", "-D", self.data, "-R", "-X", "stream", "-c", "fast"]
            subprocess.run(argv, check=True, **self._options())
        super().start()


class Pair(Postgres):
    """A primary and the standby that follows it: .url names both, and sql() asks whoever takes
    writes now."""

    def __init__(self):
        super().__init__()
        self.standby, self.first, self.promoted = Replica(self), self.url, False
        self.url = self.first.replace("/postgres", f",127.0.0.1:{self.standby.port}/postgres")

    def sql(self, text, url=None):
        return super().sql(text, url or (self.standby.url if self.promoted else self.first))

    def __enter__(self):
        super().__enter__()
        self.standby.start()
        return self

    def promote(self):
        self.kill()
        self.promoted = True
        argv = [self.bin + "pg_ctl", "promote", "-w", "-D", self.standby.data]
        subprocess.run(argv, check=True, **self.standby._options())

    def __exit__(self, *_):
        self.standby.__exit__()
        super().__exit__()
