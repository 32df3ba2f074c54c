"""Starts real hosts for the end-to-end tests and talks to them. Python's standard library only.

    from harness import Host, main

    def test_duplicate_is_told():
        with Host() as host:
            first = host.post("/webhook/chart", signal())
            assert first.status == 202, first

    if __name__ == "__main__":
        main()

Every host lives in a folder of its own and on a free port. Waiting is always for a condition with a
deadline, never for a time: only `until` and `decide` sleep. No deadline here is an assertion
about speed; a test that has one to make measures and leaves room for a machine that is very busy.
"""
import calendar
import inspect
import json
import os
import re
import shutil
import signal as traps
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
PROGRAM = os.path.join(BUILD, "tidelock")
SLOW = 5 if "asan" in BUILD else 1  # deadlines stretch under sanitizers
PATIENCE_S = 30  # no wait is shorter: how fast something is cannot be told on a busy machine
LIMIT_S = 300  # nor is the limit of a test


# ---- waiting ---------------------------------------------------------------------------------

def patience(deadline_s):
    """How long a wait lasts that says so much: a deadline only ends what hangs."""
    return max(deadline_s, PATIENCE_S) * SLOW


def until(condition, deadline_s=PATIENCE_S, what="the condition"):
    """Polls until condition() is true and returns what it returned; fails after the deadline,
    which is PATIENCE_S at the least."""
    end = time.monotonic() + patience(deadline_s)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {patience(deadline_s)} s")
        time.sleep(0.01)


RESERVED = []  # sockets that keep their ports until this process ends


def free_port():
    """A port that nobody else is given, by the system or by a test beside this one, not even while
    its server is down: the socket stays bound, so only who allows the address to be used again, as
    servers do, may listen there."""
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    RESERVED.append(probe)
    return probe.getsockname()[1]


# ---- HTTP over raw sockets -------------------------------------------------------------------

class Answer:
    """One HTTP answer: status, headers (names in lower case), body as bytes."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.text[:400]}"


class Connection:
    """A raw connection: sends any bytes, reads answers one by one; for pipelining and abuse."""

    def __init__(self, port, timeout_s=PATIENCE_S):
        if hasattr(port, "connect"):  # of a host on a machine of its own: net.py
            self.socket = port.connect(timeout_s * SLOW)
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s * SLOW)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def fill(self):
        """Reads more; False at the end of the stream."""
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def take(self, size):
        while len(self.buffer) < size:
            if not self.fill():
                raise EOFError(f"closed after {len(self.buffer)} of {size} bytes")
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def take_line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                raise EOFError(f"closed within a line: {self.buffer[:200]!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_answer(self, method="GET"):
        """The next answer, interim ones (100 Continue) skipped. EOFError when there is none."""
        while True:
            status = int(self.take_line().split(b" ", 2)[1])
            headers = {}
            while line := self.take_line():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            if status >= 200:
                break
        return Answer(status, headers, self.read_body(method, status, headers))

    def read_body(self, method, status, headers):
        if method == "HEAD" or status in (204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.take_line().split(b";")[0], 16):
                body += self.take(size)
                self.take_line()
            self.take_line()
            return body
        if "content-length" in headers:
            return self.take(int(headers["content-length"]))
        while self.fill():
            pass
        body, self.buffer = self.buffer, b""
        return body

    def ask(self, method, path, body=None, headers=None):
        self.send(write_request(method, path, body, headers))
        return self.read_answer(method)


def write_request(method, path, body=None, headers=None):
    """The bytes of a request; a dict or list becomes JSON, a str UTF-8."""
    head = {"Host": "127.0.0.1"}
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        head["Content-Type"] = "application/json"
    if isinstance(body, str):
        body = body.encode()
    if body is not None:
        head["Content-Length"] = str(len(body))
    head.update(headers or {})
    lines = [f"{method} {path} HTTP/1.1"] + [f"{k}: {v}" for k, v in head.items() if v is not None]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def request(port, method, path, body=None, headers=None, timeout_s=PATIENCE_S):
    """One request on a connection of its own."""
    with Connection(port, timeout_s) as connection:
        return connection.ask(method, path, body, {"Connection": "close", **(headers or {})})


# ---- the host --------------------------------------------------------------------------------

class Raw(str):
    """Text that goes into the config as it stands, e.g. Raw('5 * 60')."""


def lua(value, depth=0):
    """A Python value as Lua source."""
    if isinstance(value, Raw):
        return str(value)
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    pad = "    " * (depth + 1)
    if isinstance(value, dict):
        rows = [f"{pad}[{lua(key)}] = {lua(item, depth + 1)}," if not str(key).isidentifier()
                else f"{pad}{key} = {lua(item, depth + 1)}," for key, item in value.items()]
    else:
        rows = [f"{pad}{lua(item, depth + 1)}," for item in value]
    return "{\n" + "\n".join(rows) + "\n" + pad[4:] + "}"


class Result:
    """What a finished command told: exit code, standard output, standard error."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n{self.out[-1500:]}\n{self.err[-1500:]}"


class Host:
    """One `tidelock run` with a config, a folder and a port. Use as a context manager, or start,
    stop and clean up by hand; `start` may be called again after stop or kill (same folder)."""

    def __init__(self, config=None, *, folder=None, port=None, env=None):
        self.owns_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="tidelock-")
        self.port = port or free_port()
        self.env = {**os.environ, **(env or {})}
        self.config_path = os.path.join(self.folder, "config.lua")
        self.log_path = os.path.join(self.folder, "host.log")
        self.process = None
        self.prefix = []
        self.write_config(config if config is not None else default_config(self))

    def write_config(self, config):
        """A dict, or Lua source in which {PORT} and {DIR} are filled in."""
        if isinstance(config, dict):
            config = "return " + lua(config) + "\n"
        config = config.replace("{PORT}", str(self.port)).replace("{DIR}", self.folder)
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(config)

    def write_strategy(self, name, text, file="strategy.lua"):
        """Writes one file of a strategy, whole: beside it first, then moved into place."""
        folder = os.path.join(self.folder, "strategies", name)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, file)
        with open(path + ".new", "w", encoding="utf-8") as out:
            out.write(text)
        os.rename(path + ".new", path)

    def start(self, wait=True, deadline_s=PATIENCE_S, args=()):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, PROGRAM, "run", "--config", self.config_path, *args],
                cwd=ROOT, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if wait:
            self.await_ready(deadline_s)
        return self

    def await_ready(self, deadline_s=PATIENCE_S):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the host ended with {self.process.returncode} before it "
                                     f"was ready:\n{self.log()[-3000:]}")
            try:
                return request(self.port, "GET", "/readyz", timeout_s=2).status == 200
            except (OSError, EOFError):
                return False
        until(ready, deadline_s, "GET /readyz answering 200")

    def wait(self, deadline_s=PATIENCE_S):
        """Waits for the process to end by itself and returns its exit code."""
        return self.process.wait(timeout=patience(deadline_s))

    def stop(self, trap=traps.SIGTERM, deadline_s=PATIENCE_S):
        """Asks it to end and returns the exit code."""
        self.process.send_signal(trap)
        return self.wait(deadline_s)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        """kill -9, then start on the same folder and port."""
        self.kill()
        return self.start()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def clean(self):
        if self.running():
            self.kill()
        if self.owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.clean()
            raise

    def __exit__(self, kind, *_):
        if kind is not None and kind is not Skip:
            print("    the host's log ends:\n" + indent(self.log()[-3000:]))
        self.clean()

    # what it says

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_rows(self):
        """The log's JSON lines as dicts; other lines are left out."""
        rows = []
        for line in self.log().splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                pass
        return rows

    def await_log(self, pattern, deadline_s=PATIENCE_S):
        return until(lambda: re.search(pattern, self.log()), deadline_s, f"/{pattern}/ in the log")

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    # talking to it

    def get(self, path, headers=None, timeout_s=PATIENCE_S):
        return request(self.port, "GET", path, None, headers, timeout_s)

    def post(self, path, body=None, headers=None, timeout_s=PATIENCE_S):
        return request(self.port, "POST", path, b"" if body is None else body, headers, timeout_s)

    def decide(self, body, path="/webhook/test"):
        """Sends a signal and answers when it is decided. The host waits 2.5 s for that, which a
        busy machine may not make; who repeats the signal then hears of the decision too. The
        status is that of the first answer; one that promises no decision is returned as it is."""
        first = last = self.post(path + "?wait=decision", body)
        end = time.monotonic() + patience(PATIENCE_S)
        while last.status in (200, 202) and time.monotonic() < end:
            told = last.json()
            if "decision" in told or told.get("spooled"):
                break
            time.sleep(0.1)
            last = self.post(path + "?wait=decision", body)
        return Answer(first.status, first.headers, last.body)

    def connect(self, timeout_s=PATIENCE_S):
        return Connection(self.port, timeout_s)

    def cli(self, *args, stdin=None, deadline_s=PATIENCE_S):
        """Runs `tidelock ARGS --config <this host's>`."""
        return command(*args, "--config", self.config_path, stdin=stdin, env=self.env,
                       deadline_s=deadline_s)


def command(*args, stdin=None, env=None, deadline_s=PATIENCE_S):
    """Runs a tidelock subcommand and returns its Result."""
    done = subprocess.run([PROGRAM, *map(str, args)], cwd=ROOT, env=env, input=stdin or "",
                          capture_output=True, text=True, errors="replace",
                          timeout=2 * patience(deadline_s), check=False)
    return Result(done.returncode, done.stdout, done.stderr)


# ---- a config, a strategy and signals to start from ------------------------------------------

# Takes every signal, one lot each: what the tests look at is the host, not the policy.
PLAIN_STRATEGY = """-- Takes every signal, one lot each.
return {
    name = "plain",
    version = "1",
    instruments = {"TEST"},
    gates = {
        {name = "always", check = function() return true end},
    },
    size = function()
        return {quantity = 1, limited_by = "test"}
    end,
}
"""

RAILS = ("max_order_quantity", "max_order_notional", "max_position", "max_orders_per_minute",
         "max_daily_loss", "max_open_risk", "price_collar_percent")


def default_config(host, **changes):
    """A host with the plain strategy, an open source `test`, the paper broker and no rails; keyword
    arguments replace or add top-level settings."""
    host.write_strategy("plain", PLAIN_STRATEGY)
    config = {
        "instance": "test",
        "listen": "127.0.0.1:{PORT}",
        "store": {"path": "{DIR}/tidelock.db"},
        "log": {"level": "debug", "format": "json"},
        "account": {"currency": "USD", "deposit": "1000000"},
        "broker": {"kind": "paper"},
        "instruments": [{"name": "TEST", "tick": "0.05", "lot_size": "1", "point_value": "1"}],
        "strategies_dir": "{DIR}/strategies",
        "strategies": [{"name": "plain"}],
        "limits": {"policy_wall": "1s"},  # a policy is not to blame for a machine that stood still
        "sources": [{"name": "test", "strategy": "plain", "open": True}],
        "rails": {rail: "waived" for rail in RAILS},
    }
    config.update(changes)
    return config


class Moment(str):
    """A timestamp that now_iso made; the same object again is the same moment, on purpose."""


def now_iso(shift_s=0):
    """The present, or shift_s from it, as a signal carries it: UTC, whole seconds."""
    return Moment(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + shift_s)))


MOMENTS = {}  # within one test: what a fingerprint is made of -> the Moment that a signal took


def free_moment(body):
    """The signal's own moment, or the nearest one before it that no other signal of this test has
    taken: two signals of one kind within a second would be one signal to the host."""
    moment = body["timestamp"]
    kind = tuple(str(body.get(name)) for name in ("strategy", "instrument", "type", "position"))
    while MOMENTS.setdefault((kind, str(moment)), body["timestamp"]) is not body["timestamp"]:
        at = calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ")) - 1
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    return str(moment)


def signal(kind="BASE_ENTRY", position="Long_1", **fields):
    """A signal's body as a dict; every keyword replaces or adds a field, None leaves it out. Its
    timestamp is its own unless the test gives one."""
    body = {"strategy": "plain", "instrument": "TEST", "type": kind, "position": position,
            "price": "100.00", "stop": "98.00", "atr": "1.00", "timestamp": now_iso(), **fields}
    if isinstance(body["timestamp"], Moment):
        body["timestamp"] = free_moment(body)
    return {name: value for name, value in body.items() if value is not None}


# ---- the runner ------------------------------------------------------------------------------

class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def indent(text):
    return "\n".join("    " + line for line in text.splitlines())


def ring(*_):
    raise TimeoutError("the test did not end within its limit")


def run_test(function, limit_s):
    """Runs one test and returns "", the reason of a failure, or the Skip."""
    traps.signal(traps.SIGALRM, ring)
    traps.alarm(max(limit_s, LIMIT_S) * SLOW)
    try:
        MOMENTS.clear()
        function()
        return ""
    except Skip as skip:
        return skip
    except Exception as error:  # a test may fail in any way; the run goes on
        print(indent(traceback.format_exc(limit=-4)))
        return f"{type(error).__name__}: {error}".split("\n")[0][:300]
    finally:
        traps.alarm(0)


def main(limit_s=LIMIT_S):
    """Runs the test_* functions of the calling file, or those whose names contain an argument."""
    if not os.path.exists(PROGRAM):
        sys.exit(f"{PROGRAM} is not built: run make first")
    module = inspect.getmodule(inspect.stack()[1].frame)
    tests = [(name, item) for name, item in vars(module).items()
             if name.startswith("test_") and callable(item)
             and (len(sys.argv) < 2 or any(word in name for word in sys.argv[1:]))]
    passed = failed = skipped = 0
    for name, function in tests:
        started = time.monotonic()
        why = run_test(function, limit_s)
        if isinstance(why, Skip):
            skipped += 1
            print(f"ok {name} # skipped: {why}")
        elif why:
            failed += 1
            print(f"not ok {name}: {why}")
        else:
            passed += 1
            print(f"ok {name} ({time.monotonic() - started:.2f} s)")
        sys.stdout.flush()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed or not tests else 0)
