"""What both venues owe their judges: every request on record, faults by rule, a door for control.

A rule is {"action": ..., "method": ..., "path": ..., "contains": ..., "nth": n, "times": n,
"probability": p, ...}: it looks at the requests that match, lets the first nth-1 pass, and then
acts `times` times (0 is for ever), each time with that probability, drawn from the venue's seed.
The control door is a port of its own, so that what goes through it is neither recorded nor hurt.
"""
import asyncio
import fnmatch
import json
import os
import random
import signal
import ssl
import sys
import traceback
from collections import deque

from wire import Answer, Server, now_ms, pause

KEPT = 200_000  # requests and events kept at most; older ones are counted only
HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"

# Actions that change how an answer travels: {action: (is the request applied, how it is sent)}.
TRAVEL = {
    "drop_before": (False, "drop"),
    "reset_before": (False, "reset"),
    "never": (False, "never"),
    "accept_then_drop": (True, "drop"),
    "accept_then_reset": (True, "reset"),
    "accept_then_never": (True, "never"),
    "truncated": (True, "truncated"),
    "slow_bytes": (True, "slow"),
}


class Rule:
    def __init__(self, number, given):
        self.number, self.given = number, given
        self.action = given["action"]
        self.nth, self.times = given.get("nth", 1), given.get("times", 1)
        self.probability = given.get("probability", 1.0)
        if "probability" in given and "times" not in given:
            self.times = 0
        self.seen = self.fired = 0

    def matches(self, method, path, text):
        given = self.given
        return (
            given.get("method", method).upper() == method.upper()
            and fnmatch.fnmatch(path, given.get("path", "*"))
            and given.get("contains", "") in text
        )

    def strikes(self, chance):
        self.seen += 1
        if self.seen < self.nth or (self.times and self.fired >= self.times):
            return False
        if chance.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def told(self):
        return dict(self.given, id=self.number, seen=self.seen, fired=self.fired)


class Judge:
    """Records and hurts requests. `answers` are the venue's own: {action: (applied, Answer)}"""

    def __init__(self, seed, answers):
        self.chance, self.answers = random.Random(seed), answers
        self.rules, self.next_rule = [], 1
        self.requests, self.events = deque(maxlen=KEPT), deque(maxlen=KEPT)
        self.next_request = self.next_event = 1

    def add_rule(self, given):
        known = set(TRAVEL) | set(self.answers) | {"late", "late_apply", "answer", "garbage"}
        if given.get("action") not in known:
            raise ValueError(f"no action {given.get('action')!r}; there are {sorted(known)}")
        rule = Rule(self.next_rule, given)
        self.next_rule += 1
        self.rules.append(rule)
        return rule.number

    def note(self, method, path, query, headers, body):
        entry = {
            "n": self.next_request,
            "at_ms": now_ms(),
            "method": method,
            "path": path,
            "query": query,
            "headers": headers,
            "body": body,
            "fault": None,
            "status": None,
        }
        self.next_request += 1
        self.requests.append(entry)
        return entry

    def note_event(self, stream, event):
        self.events.append({"n": self.next_event, "at_ms": now_ms(), "to": stream, "event": event})
        self.next_event += 1

    def pick(self, entry):
        text = entry["query"] + " " + entry["body"]
        for rule in self.rules:
            if rule.matches(entry["method"], entry["path"], text) and rule.strikes(self.chance):
                return rule
        return None

    async def guard(self, entry, apply):
        """Answers the request by apply() or as a rule wants it; notes what was answered."""
        rule = self.pick(entry)

        def safely():
            try:
                return apply()
            except Exception:  # a fault of the venue's own must not pass for one that was ordered
                traceback.print_exc()
                return Answer(500, "the venue itself has failed: see its stderr", kind="text/plain")

        if rule is None:
            answer = safely()
        else:
            entry["fault"] = rule.action
            answer = await self.hurt(rule, safely)
        entry["status"], entry["how"] = answer.status, answer.how
        return answer

    async def hurt(self, rule, apply):
        given, action = rule.given, rule.action
        if action in TRAVEL:
            applied, how = TRAVEL[action]
            answer = apply() if applied else Answer(how=how)
            answer.how = how
            answer.slow_bytes, answer.slow_s = given.get("bytes", 1), given.get("every_s", 0.02)
            return answer
        if action == "late_apply":
            await pause(given["seconds"])
            return apply()
        if action == "late":
            answer = apply()
            await pause(given["seconds"])
            return answer
        if action == "garbage":
            apply()
            return Answer(200, given.get("body", '{"orderId": 12'))
        if action == "answer":
            if given.get("apply"):
                apply()
            kind = given.get("kind", "application/json")
            body = bytes.fromhex(given["hex"]) if "hex" in given else given.get("body", "")
            body *= given.get("repeat", 1)
            return Answer(given["status"], body, given.get("headers", {}).items(), kind)
        applied, make = self.answers[action]
        if given.get("apply", applied):
            apply()
        return make(given)


# What a venue's events may suffer, as settings: counts of what comes next, or a delay.
DELIVERY = {"duplicate_fills": 0, "skip_events": 0, "event_delay_ms": 0, "shuffle_events": 0}


class Delivery:
    """Events of the account on their way, as reliable as the settings let it be."""

    def __init__(self, judge, settings, is_fill, send):
        self.judge, self.settings, self.is_fill, self.send_one = judge, settings, is_fill, send
        self.held = []

    def tell(self, event):
        settings = self.settings
        if settings["skip_events"] > 0:
            settings["skip_events"] -= 1
            self.judge.note_event("skipped", event)
            return
        batch = [event]
        if settings["duplicate_fills"] > 0 and self.is_fill(event):
            settings["duplicate_fills"] -= 1
            batch = [event, event]
        if settings["shuffle_events"] > 0:
            self.held += batch
            if len(self.held) < settings["shuffle_events"]:
                return
            batch, self.held = self.held, []
            self.judge.chance.shuffle(batch)
        if settings["event_delay_ms"] > 0:
            delay = settings["event_delay_ms"] / 1000
            asyncio.get_running_loop().call_later(delay, self.send, batch)
        else:
            self.send(batch)

    def send(self, batch):
        for event in batch:
            self.judge.note_event("user", event)
            self.send_one(event)


class Control:
    """The judge's door: GET and POST of JSON. A venue adds its own verbs to `verbs`."""

    def __init__(self, judge, venue, tls=None):
        self.judge, self.venue, self.walks = judge, venue, {}
        self.verbs = {
            "GET /book": lambda _: venue.told_book(),
            "GET /requests": self.tell(judge.requests),
            "GET /events": self.tell(judge.events),
            "GET /faults": lambda _: [rule.told() for rule in judge.rules],
            "POST /fault": lambda given: {"id": judge.add_rule(given)},
            "POST /calm": self.calm,
            "POST /price": lambda given: venue.set_price(given["symbol"], str(given["price"])),
            "POST /liquidity": lambda g: venue.set_liquidity(g["symbol"], g.get("quantity")),
            "POST /set": venue.change_settings,
            "POST /order": venue.foreign_order,
            "POST /end": venue.end_order,
            "POST /fill": venue.fill_order,
            "POST /walk": self.walk,
            "POST /bar": venue.set_bar,
            "POST /cut": lambda g: {
                "cut": venue.cut(g.get("kinds"), g.get("how", "reset"), g.get("code", 1001))
            },
            "POST /certificate": lambda g: tls and tls.load_cert_chain(g["certificate"], g["key"]),
        }

    @staticmethod
    def tell(kept):
        def answer(given):
            since = int(given.get("since", 0))
            return [entry for entry in list(kept) if entry["n"] > since]

        return answer

    def walk(self, given):
        """Moves a price at random, from the seed, by up to `ticks` each time; 0 ms stops it."""
        symbol, every_s, ticks = given["symbol"], given["every_ms"] / 1000, given.get("ticks", 10)
        self.walks[symbol] = walk = object()

        def step():
            if self.walks[symbol] is walk:
                self.venue.nudge(symbol, self.judge.chance.randint(-ticks, ticks))
                asyncio.get_running_loop().call_later(every_s, step)

        if every_s > 0:
            step()
        return {}

    def calm(self, _):
        self.judge.rules.clear()
        return {}

    async def handle(self, request):
        verb = self.verbs.get(f"{request.method} {request.path}")
        if verb is None:
            return Answer(404, {"error": f"there are {sorted(self.verbs)}"})
        try:
            given = dict(request.query_pairs())
            if request.body:
                given.update(request.json())
            return Answer(200, verb(given) or {})
        except (KeyError, ValueError, ArithmeticError, TypeError) as error:
            return Answer(400, {"error": f"{type(error).__name__}: {error}"})


async def run(venue, judge, doors, control_port=0):
    """Opens the doors {name: Server}, tells their ports as one line, and runs until it is ended."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if venue.options.tls else None
    if tls:
        tls.load_cert_chain(venue.options.tls + ".crt", venue.options.tls + ".key")
    control = Server(Control(judge, venue, tls).handle)
    told = {"pid": os.getpid(), "control": await control.listen(control_port)}
    for name, (server, port) in doors.items():
        told[name] = await server.listen(port, tls)
    print(json.dumps(told), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for trap in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(trap, ended.set)
    # Whoever started this holds the other end of stdin: when it goes, so does the venue.
    if venue.tied:
        loop.add_reader(sys.stdin.fileno(), lambda: os.read(0, 4096) or ended.set())
    await ended.wait()
