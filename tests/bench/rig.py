"""What the benches stand on: hosts and peers as processes, their CPU and memory, and the load.

A server is a context: `with Host(...) as host:` runs until the block ends. CPU is user and system
time of the whole process tree, from /proc; the load's and everybody else's are counted beside it,
so that a disturbed run can be told.
"""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
PROGRAM = os.path.join(BUILD, "tidelock")
SCRIPT = os.path.join(HERE, "signals.lua")
TICK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count()
median = statistics.median
_run = int(time.time()) % 9000


class Missing(Exception):
    """What a row needs and this machine or build does not have."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- processes -------------------------------------------------------------------------------

def processes():
    """pid -> (parent, CPU seconds with reaped children)"""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        out[int(pid)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICK)
    return out


def tree(all_, root):
    """The processes from root down."""
    found, new = set(), {root} & all_.keys()
    while new:
        found |= new
        new = {pid for pid, (parent, _) in all_.items() if parent in new} - found
    return found


class Meter:
    """CPU seconds of a server's tree between two moments, and the share of the machine that
    processes outside the bench took meanwhile."""

    def __init__(self, pid, beside=()):
        self.pid, self.beside = pid, beside

    def _read(self):
        all_ = processes()
        ours = set().union(*(tree(all_, pid) for pid in (os.getpid(), self.pid, *self.beside)))
        cpu = sum(all_[pid][1] for pid in tree(all_, self.pid))
        return cpu, sum(c for pid, (_, c) in all_.items() if pid not in ours), time.monotonic()

    def __enter__(self):
        self.start = self._read()
        return self

    def stop(self):
        end = self._read()
        self.cpu_s, other, self.seconds = (b - a for a, b in zip(self.start, end))
        self.other = max(0.0, other / self.seconds / CORES)

    def __exit__(self, *_):
        self.stop()


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


# ---- servers ---------------------------------------------------------------------------------

class Server:
    """A process that answers GET `ready` with 200 once it works."""
    ready = "/readyz"

    def start(self, command, **options):
        began = time.monotonic()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, **options)
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() - began > 30:
                raise Missing(f"{command[0]} did not start: {self.said()[-400:]}")
            time.sleep(0.001)
        self.start_ms = (time.monotonic() - began) * 1000

    def _answers(self):
        """By hand: urllib alone takes longer than a host needs to start."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as wire:
                wire.sendall(f"GET {self.ready} HTTP/1.0\r\nHost: bench\r\n\r\n".encode())
                return b" 200 " in wire.recv(64)
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def said(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()

    def get(self, path):
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()


CONFIG = """return {{
    instance = "bench", listen = "127.0.0.1:{port}", {store}
    strategies_dir = "{strategies}", log = {{ level = "{level}", format = "json" }},
    account = {{ currency = "INR", deposit = "10000000" }},
    broker = {{ kind = "paper", slippage_percent = "0.01", journal = "{folder}/paper" }},
    strategies = {{ {{ name = "{strategy}" }} }},
    sources = {{ {{ name = "bench", strategy = "{strategy}", open = true,
        mapping = {{ type = "signal_type" }} }} }},
    staleness = {{ entry_max_age = "36000d", entry_max_future = "36000d" }},
    rails = {{ max_order_quantity = "waived", max_order_notional = "waived",
        max_position = "waived", max_orders_per_minute = "waived", max_daily_loss = "waived",
        max_open_risk = "waived", price_collar_percent = "waived" }},
    feeds = {{ {feed} }},
    instruments = {{
{instruments}
    }},
}}
"""


FEED = """{ instrument = "INST1023", bars = "synthetic", interval = "1m", per_second = "20",
        warm_up = 600, start_price = "100" }"""


class Host(Server):
    """Tidelock on a fresh SQLite file, in a folder that goes away with it."""

    def __init__(self, strategy="peer", instruments=1024, level="warn", feed="", store=None):
        if not os.access(PROGRAM, os.X_OK):
            raise Missing(f"{PROGRAM} is not built")
        self.folder = tempfile.mkdtemp(prefix="tidelock-bench-", dir=os.environ.get("BENCH_TMP"))
        self.port = free_port()
        self.strategies = f"{self.folder}/strategies"
        shutil.copytree(f"{HERE}/{strategy}", f"{self.strategies}/{strategy}")
        names = "\n".join(f'        {{ name = "INST{i:04}" }},' for i in range(instruments))
        self.config = f"{self.folder}/bench.lua"
        with open(self.config, "w") as file:
            store = store or f'store = {{ path = "{self.folder}/bench.db" }},'
            file.write(CONFIG.format(port=self.port, store=store, level=level,
                                     strategies=self.strategies, strategy=strategy,
                                     folder=self.folder, feed=feed, instruments=names))
        self.target = "/webhook/bench"
        try:
            self.start([PROGRAM, "run", "--config", self.config], cwd=ROOT)
        except Missing:
            shutil.rmtree(self.folder)
            raise

    @property
    def database(self):
        return f"{self.folder}/bench.db"

    def metrics(self):
        """Every series by name and labels."""
        lines = self.get("/metrics").splitlines()
        rows = (line.rpartition(" ") for line in lines if line[:1] != "#")
        return {name: float(value) for name, _, value in rows}

    def drain(self, limit_s=60):
        """Waits until nothing accepted is unfinished; seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < limit_s:
            now = self.metrics()
            waiting = sum(v for k, v in now.items() if k.startswith("tidelock_queue_depth"))
            if waiting == 0 and now.get("tidelock_store_queued", 0) == 0:
                break
            time.sleep(0.005)
        return time.monotonic() - began

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.folder)


class Peers:
    """The hosts to compare with: a folder of theirs, with PostgreSQL and Redis of its own."""
    KINDS = {
        "nginx_lua_batch": ("nginx_lua_peer", 28083, {"BATCH": "64", "BATCH_CONNS": "2"}),
        "node_batch": ("node_peer", 28082, {"BATCH": "64", "BATCH_CONNS": "2"}),
    }

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        if not os.access(f"{self.folder}/servers.sh", os.X_OK):
            raise Missing(f"PEERS={folder} has no servers.sh")

    def _servers(self, verb):
        subprocess.run([f"{self.folder}/servers.sh", verb], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL)

    def __enter__(self):
        self._servers("start")
        return self

    def __exit__(self, *_):
        self._servers("stop")

    def helpers(self):
        """Their database and cache."""
        run = os.environ.get("BENCH_RUN", f"{self.folder}/.run")
        names = ("pg/postmaster.pid", "redis.pid")
        return [int(open(f"{run}/{name}").readline()) for name in names]

    def fresh_store(self):
        """What a host writes into its configuration to use an empty database of theirs."""
        run = os.environ.get("BENCH_RUN", f"{self.folder}/.run")
        port = open(f"{run}/pg/postmaster.pid").read().split("\n")[3]
        redis = os.environ.get("BENCH_REDIS_PORT", "26380")
        self._servers("reset")
        subprocess.run(["psql", "-h", "127.0.0.1", "-p", port, "-U", "bench", "-d", "postgres",
                        "-qc", "DROP DATABASE IF EXISTS tidelock WITH (FORCE)",
                        "-c", "CREATE DATABASE tidelock"], check=True, stderr=subprocess.DEVNULL)
        return (f'store = {{ url = "postgresql://bench@127.0.0.1:{port}/tidelock" }}, '
                f'redis = {{ url = "redis://127.0.0.1:{redis}" }},')

    def open(self, name):
        self._servers("reset")
        return Peer(self.folder, *self.KINDS[name])


class Peer(Server):
    ready = "/health"
    target = "/webhook"

    def __init__(self, folder, kind, port, settings):
        self.port = port
        self.start([f"{folder}/{kind}/run.sh"], cwd=folder, start_new_session=True,
                   env=dict(os.environ, PORT=str(port), **settings))

    def drain(self):
        return 0.0  # its answers come after everything is done


# ---- load ------------------------------------------------------------------------------------

def load(server, connections, seconds, **env):
    """Runs wrk against a server; what its script reports."""
    global _run
    if not shutil.which("wrk"):
        raise Missing("wrk is not installed")
    _run = (_run + 1) % 10000
    settings = {"TARGET": server.target, "RUN": str(_run), **{k: str(v) for k, v in env.items()}}
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
                          "-s", SCRIPT, f"http://127.0.0.1:{server.port}"],
                         env=dict(os.environ, **settings), capture_output=True, text=True)
    lines = [line for line in out.stdout.splitlines() if line.startswith("JSON ")]
    if not lines:
        raise Missing(f"wrk failed: {out.stdout}{out.stderr}")
    return json.loads(lines[-1][5:])
