"""Do the simulated venues tell the truth? Asked by clients and recordings that are not ours.

ccxt, Binance's connectors and OpenAlgo's package drive the venues, and what each client says of its
orders must be what the venue's own book says; recorded answers of the real OpenAlgo code must have
their like here. npm brings the clients, at the versions and hashes of venues/clients, into the
build folder; where npm cannot be reached those tests are skipped and say so.
"""

import ast
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal

from harness import BUILD, ROOT, SLOW, Skip, main, until

VENUES = os.path.join(ROOT, "tests", "venues")
sys.path.insert(0, VENUES)

from binance.signing import Key, public_from_pem, split_signature  # noqa: E402
from binance.wsapi import payload_of  # noqa: E402
from venue import Binance, BinanceFutures, OpenAlgo  # noqa: E402

UNREACHED = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH")
UNREACHED += ("ECONNRESET", "EPIPE", "ERR_SOCKET_TIMEOUT", "FETCH_ERROR", "network", "E429", "E50")

unreached = []  # why there are no clients, once that is known


# ---- clients that are not ours ---------------------------------------------------------------


def clients():
    """The folder in which the client programs run, with what npm has brought beside them."""
    if not shutil.which("npm"):
        raise Skip("npm is not installed")
    if unreached:
        raise Skip(unreached[0])  # asked once: npm is slow to give up
    source, folder = os.path.join(VENUES, "clients"), os.path.join(BUILD, "npm")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in os.listdir(source):
            shutil.copy(os.path.join(source, name), folder)
        with open(os.path.join(folder, "package-lock.json"), "rb") as file:
            wanted = hashlib.sha256(file.read()).hexdigest()
        stamp = os.path.join(folder, "node_modules", ".tidelock")
        if not (os.path.exists(stamp) and open(stamp, encoding="ascii").read() == wanted):
            fetch(folder)
            with open(stamp, "w", encoding="ascii") as file:
                file.write(wanted)
    return folder


def fetch(folder):
    words = "npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1".split()
    try:
        done = subprocess.run(
            [*words, "--fetch-timeout=60000", "--cache", os.path.join(folder, "cache")],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    except subprocess.TimeoutExpired:
        unreached.append("npm does not bring them within four minutes")
        raise Skip(unreached[0]) from None
    if done.returncode and any(word in done.stderr for word in UNREACHED):
        unreached.append("npm cannot be reached")
        raise Skip(unreached[0])
    assert done.returncode == 0, done.stderr[-2000:]


def drive(program, venue, **more):
    """Runs one client program against the venue; answers what it found."""
    given = {
        "url": venue.url,
        "ws_url": venue.ws_url,
        "control_url": venue.control_url,
        "key": venue.api_key,
        "secret": getattr(venue, "api_secret", ""),
        "limit_ms": 200_000 * SLOW,
        **more,
    }
    environment = {name: text for name, text in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        ["node", program, json.dumps(given)],
        cwd=clients(),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{program}: {done.stderr[-2000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def number(text):
    return float(Decimal(text))


def expect(found, **wanted):
    for name, value in wanted.items():
        assert found.get(name) == value, f"{name}: {found.get(name)!r} instead of {value!r}"


# ---- Binance ---------------------------------------------------------------------------------

# What a careful client makes of each fault, and whether the order stands in the venue's book.
FAULTS = {
    "accept_then_drop": ("NetworkError", True),
    "error_1007": ("RequestTimeout", True),
    "error_1006": ("OperationFailed", True),
    "html_502": ("ExchangeNotAvailable", True),
    "waf_403": ("ExchangeNotAvailable", False),
    "ban_418": ("DDoSProtection", False),
    "rate_429": ("DDoSProtection", False),
    "error_1015": ("DDoSProtection", False),
    "error_1021": ("InvalidNonce", False),
    "drop_before": ("NetworkError", False),
    "truncated": (None, True),  # each Node has another name for it
    "late": ("none", True),
}


def ask_ccxt(venue, **key):
    found = drive("ccxt_spot.js", venue, **key)
    expect(
        found,
        clock=True,
        market_limits=[0.01, 0.00001, 5],
        bars=True,
        ticker=60000,
        book=True,
        placed=["open", "c-1", 0.01, 59000],
        duplicate="InvalidOrder",
        byId="c-1",
        cancelled="canceled",
        cancelAgain="OrderNotFound",
        noSuch="OrderNotFound",
        reused=True,
        market=["closed", 0.02, 60000, "BTC"],
        poor="InsufficientFunds",
        filter="BadRequest",
        partial=["open", 0.004, 0.006],
        stop=["closed", 0.01, 57400],
        cancelledAll=2,
        locked=0.01,
        cancelledWs="canceled",
        streams={"ticker": True, "quote": True, "trade": True, "bar": True},
    )
    assert [event[1:] for event in found["events"]] == [["open", 0], ["closed", 0.01]], found
    return found


def same_book(found, venue):
    """What ccxt read of trades and money is what the book had at that moment."""
    trades = [
        [
            str(trade["id"]),
            str(trade["order"]),
            trade["side"].lower(),
            number(trade["quantity"]),
            number(trade["price"]),
            number(trade["fee"]),
            trade["fee_asset"],
        ]
        for trade in venue.book()["trades"][: len(found["trades"])]
    ]
    assert [row[:7] for row in found["trades"]] == trades, found["trades"]
    bought = sum(t[3] * (1 if t[2] == "buy" else -1) for t in trades)
    fees = sum(t[5] for t in trades if t[6] == "BTC")
    assert abs(found["balance"]["BTC"]["total"] - (10 + bought - fees)) < 1e-9, found["balance"]
    assert len(venue.orders(client_id="c-1")) == 2  # the id was free again after the cancel


def test_ccxt_sees_what_the_book_says():
    with Binance(seed=1) as venue:
        found = ask_ccxt(venue)
        same_book(found, venue)
        for action, (error, stands) in FAULTS.items():
            told = found["faults"][action]
            assert told == error or (error is None and told != "none"), (action, found["faults"])
            assert len(venue.orders(client_id="f-" + action)) == int(stands), action


def test_ccxt_with_an_ed25519_key():
    with Binance(seed=2) as venue:
        found = ask_ccxt(venue, key=venue.ed25519_key, secret=venue.ed25519_pem)
        same_book(found, venue)


def ask_connector(venue, key, secret):
    found = drive("sdk_spot.js", venue, key=key, secret=secret)
    expect(
        found,
        info=True,
        placed=["NEW", "s-1", "50000.00000000"],
        duplicate="BadRequestError",
        queried=True,
        open=1,
        cancelled=["CANCELED", "s-1"],
        cancelIsNamed=True,
        market=["FILLED", "0.01000000", 1],
        trades=[["60000.00000000", "0.01000000"]],
        all=["CANCELED", "FILLED"],
        free="10.00999000",
        limited="TooManyRequestsError",
        session=key,
        wsPlaced="NEW",
        wsStatus="wsp-" + key,
        streams=["BTCUSDT", "61000.00000000", "1m"],
    )
    account = ["outboundAccountPosition"]
    opened = ["executionReport", "NEW", "NEW", "wsp-" + key, ""]
    closed = ["executionReport", "CANCELED", "CANCELED", "the-cancel", "wsp-" + key]
    assert found["events"] == [opened, account, closed, account], found["events"]
    assert [order["status"] for order in venue.orders()] == ["CANCELED", "FILLED", "CANCELED"]


def test_the_official_connector_with_a_secret():
    with Binance(seed=3) as venue:
        ask_connector(venue, venue.api_key, venue.api_secret)


def test_the_official_connector_with_a_key_pair():
    with Binance(seed=4) as venue:
        ask_connector(venue, venue.ed25519_key, venue.ed25519_pem)


def test_ccxt_trades_futures():
    """(ccxt knows the futures' codes only by the exchange's own address: ExchangeError here.)"""
    with BinanceFutures(seed=5) as venue:
        found = drive("ccxt_usdm.js", venue)
        expect(
            found,
            market_limits=[0.1, 0.001, 5],
            bars=5,
            leverage=10,
            market=["closed", "closed", 0.02, 60000],
            duplicate="ExchangeError",
            open=["u-1"],
            cancelled="canceled",
            reused=True,
            reduceOnly="ExchangeError",
            poor="ExchangeError",
            stop=["open", 59500],
            positions=[[0.02, 60000, "long"]],
            flat=0,
            unknown="OperationFailed",
            failed="OperationFailed",
            streams=[59400, 59399.9],
            heard=["closed", 0.001],
        )
        book = venue.book()
        first = [[str(t["id"]), str(t["order"]), t["side"].lower()] for t in book["trades"][:2]]
        assert [row[:3] for row in found["trades"]] == first, found["trades"]
        fees = sum(number(trade["fee"]) for trade in book["trades"][:2])
        assert abs(found["wallet"] - (100_000 - 0.02 * 600 - fees)) < 1e-8, found["wallet"]
        # Two answers that one client cannot tell apart: one order stands, the other does not.
        assert len(venue.orders(client_id="u-lost")) == 1
        assert not venue.orders(client_id="u-gone")
        refused = [r for r in venue.requests(path="/fapi/v1/order") if r["status"] == 400]
        assert len(refused) == 3, refused


def test_the_official_futures_connector():
    with BinanceFutures(seed=6) as venue:
        found = drive("sdk_usdm.js", venue)
        expect(
            found,
            info=2,
            kept=True,
            mode=False,
            ack=["NEW", "0"],  # of a market order that is filled already
            result=["FILLED", "0.01", "60000.00000"],
            refused="BadRequestError",
            algo=["NEW", "protect"],
            waiting=1,
            finished="FINISHED",
            actual=["FILLED", "0.02", "protect"],
            position="0",
            again="BadRequestError",
        )
        opened, account = ["ORDER_TRADE_UPDATE", "NEW", "NEW"], ["ACCOUNT_UPDATE"]
        filled = [opened, account, ["ORDER_TRADE_UPDATE", "TRADE", "FILLED"]]
        algo = [["ALGO_UPDATE", state] for state in ("NEW", "TRIGGERING", "TRIGGERED", "FINISHED")]
        assert found["events"] == filled + filled + algo[:2] + filled + algo[2:], found["events"]
        assert venue.book()["positions"][0]["quantity"] == "0"


def test_recorded_signatures():
    """Signatures recorded from real clients are accepted; one changed byte and they are not."""
    with open(os.path.join(VENUES, "golden", "binance-signed.json"), encoding="utf-8") as file:
        golden = json.load(file)
    secret = Key("testkey", "hmac", golden["hmac_secret"])
    pair = Key("edkey", "ed25519", public_from_pem(golden["ed25519_public"]))
    for row in golden["requests"]:
        if "params" in row:
            payload, signature = payload_of(row["params"]), row["params"]["signature"]
        else:
            query, in_query = split_signature(row["qs"])
            body, in_body = split_signature(row["body"])
            payload, signature = query + body, in_query or in_body
        key = secret if len(signature) == 64 else pair
        assert key.signed(payload.encode(), signature), row
        assert not key.signed(payload.replace("timestamp=1", "timestamp=2").encode(), signature)
    assert len(golden["requests"]) == 72


# ---- OpenAlgo --------------------------------------------------------------------------------


def test_the_openalgo_package():
    with OpenAlgo(seed=1) as venue:
        found = drive("openalgo_sdk.js", venue)
        expect(
            found,
            modifyAsShipped=400,
            cancelAgain=400,
            lost=500,
            dropped="ECONNRESET",
            nothing={"orderid": None, "status": "success"},
            wrongKey=403,
        )
        assert "orderid" not in found["smartAgain"], found
        assert found["cancelledAll"]["canceled_orders"] == [found["resting"]["orderid"]], found
        book = venue.book()
        orders = {order["id"]: order for order in book["orders"]}
        assert orders[found["limit"]["orderid"]]["price"] == "57900"
        assert orders[found["limit"]["orderid"]]["status"] == "CANCELED"
        assert orders[found["smart"]["orderid"]]["quantity"] == "105"  # 140 wanted, 35 held
        # The squaring order, and the two whose answers were lost: they stand, the third does not.
        assert len(orders) == 7, list(orders.values())
        assert book["positions"][0]["quantity"] == "70", book["positions"]


WORDS = "message status code order_status mode pricetype price_type action product".split()


def like(golden, ours, where):
    """Whether ours has the golden one's types, keys and sentences; numbers within are free."""
    if isinstance(golden, dict):
        assert isinstance(ours, dict) and set(golden) == set(ours), f"{where}: {golden} {ours}"
        for name in golden:
            like(golden[name], ours[name], f"{where}.{name}")
    elif isinstance(golden, list):
        assert isinstance(ours, list) and bool(golden) <= bool(ours), f"{where}: {golden} {ours}"
        pairs = golden if len(golden) == len(ours) else golden[:1] * len(ours)
        for theirs, row in zip(pairs, ours):
            like(theirs, row, where + "[]")
    elif isinstance(golden, str) and where.rsplit(".", 1)[-1] in WORDS:
        assert isinstance(ours, str) and worded(golden) == worded(ours), f"{where}: {ours!r}"
    else:
        kinds = [(int, float) if type(v) in (int, float) else type(v) for v in (golden, ours)]
        assert kinds[0] == kinds[1], f"{where}: {golden!r} {ours!r}"


def worded(sentence):
    if sentence.startswith("{"):
        return ast.literal_eval(sentence)
    return re.sub(r"\d+(\.\d+)?", "9", sentence)


PREPARE = {  # what the world was like when these were recorded
    "place broker reject": lambda v: v.fault("reject", path="*/placeorder"),
    "place broker exception before accept": lambda v: v.fault("error_500", path="*/placeorder"),
    "place broker exception AFTER accept": lambda v: v.fault(
        "error_500_after", path="*/placeorder"
    ),
    "history": lambda v: v.set(sessions=False),  # it was recorded over a weekend
    "semi-auto place": lambda v: v.set(semi_auto=True),
    "toggle analyze on": lambda v: v.set(semi_auto=False),
    "place: broker refuses inside HTTP 200 (Angel/Shoonya style plugin)": lambda v: v.fault(
        "null_orderid", path="*/placeorder"
    ),
}


def send(venue, row, names):
    """Plays one recorded request; ids of the recording are turned into ours."""
    import urllib.error
    import urllib.request

    body = row["request"]
    text = json.dumps(body) if isinstance(body, dict) else body
    for theirs, ours in names.items():
        text = text.replace(theirs, ours)
    request = urllib.request.Request(
        venue.url + row["path"],
        text.encode() if row["method"] == "POST" else None,
        {"Content-Type": row.get("content_type", "application/json")},
        method=row["method"],
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_recorded_answers_of_openalgo():
    with open(os.path.join(VENUES, "golden", "openalgo-rest.json"), encoding="utf-8") as file:
        golden = json.load(file)
    with OpenAlgo(1, "--order-rate", "0", "--api-rate", "0") as venue:
        names, played = {}, 0
        for row in golden:
            if "path" not in row:
                continue  # the burst, which has a test of its own
            PREPARE.get(row["case"], lambda v: None)(venue)
            status, ours = send(venue, row, names)
            assert status == row["status"], f"{row['case']}: {status} {ours}"
            like(row["response"], ours, row["case"].replace(".", " "))
            if row["response"].get("orderid"):
                names[row["response"]["orderid"]] = ours["orderid"]
            played += 1
        assert played == 92


def test_a_burst_is_told_without_a_status():
    with OpenAlgo(1) as venue:
        row = {"method": "POST", "path": "/api/v1/placeorder", "request": {"apikey": "x"}}

        def burst():
            """The first answers, as many as there were before one was told to be too fast."""
            answers = [send(venue, row, {}) for _ in range(15)]
            told = [status for status, _ in answers]
            return answers[: told.index(429) + 1] if 429 in told else None

        answers = until(burst, what="fifteen within a second")
        assert answers[-1] == (429, {"message": "10 per 1 second"}), answers
        assert all(status == 400 for status, _ in answers[:-1]), answers


def test_recorded_talk_with_the_feed():
    with open(os.path.join(VENUES, "golden", "openalgo-ws.json"), encoding="utf-8") as file:
        golden = json.load(file)
    told = [row for way, row in golden if way == "<"]
    with OpenAlgo(1) as venue:
        found = drive("openalgo_feed.js", venue, lines=[row for way, row in golden if way == ">"])
        answers = [row for row in told if row.get("type") != "market_data"]
        assert len(found["answers"]) == len(answers)
        for theirs, ours in zip(answers, found["answers"]):
            like(theirs, ours, "feed")
        for tick in (row for row in told if row.get("type") == "market_data"):
            ours = [row for row in found["ticks"] if row["mode"] == tick["mode"]]
            assert ours, tick
            like(tick, ours[0], "tick")
        venue.set(auth_s=0.05)
        assert drive("openalgo_feed.js", venue)["closed"] == [4401, "auth timeout"]


if __name__ == "__main__":
    main(120)
