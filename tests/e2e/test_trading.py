"""Trading by the rules, through the whole host: the rails, what a changed configuration meets,
short sides, sizes that are nonsense, and books that stay exact under partial fills and rejections.
"""
import random
import time
from decimal import Decimal as D

from harness import PLAIN_STRATEGY, RAILS, Host, default_config, main, now_iso, signal, until

CHANGE = {"X-Tidelock": "1"}
# Takes what the signal suggests; without a suggestion one lot.
FREE_STRATEGY = """return {
    name = "plain", version = "1", instruments = "*",
    gates = {{name = "always", check = function() return true end}},
    size = function(facts)
        return {quantity = facts.signal.quantity or 1, limited_by = "test"}
    end,
}
"""


def free_host(**changes):
    host = Host()
    config = default_config(host, staleness={"entry_max_age": "30d"}, **changes)
    host.write_strategy("plain", FREE_STRATEGY)
    host.write_config(config)
    return host, config


def decide(host, *words, **fields):
    answer = host.decide(signal(*words, **fields))
    assert answer.status in (200, 202), answer
    return answer.json()["decision"]


def leave(host, n, **fields):
    return decide(host, "EXIT", "ALL", price=None, stop=None, atr=None, timestamp=now_iso(-n),
                  **fields)


def open_positions(host):
    return host.get("/api/positions?status=open,closing,partial&limit=1000").json()


def test_each_rail_holds_and_is_named():
    limits = {
        "max_order_quantity": ("5", {"quantity": "6"}),
        "max_order_notional": ("500", {"quantity": "6"}),
        "max_position": ("5", {"quantity": "6"}),
        "max_open_risk": ("5", {"quantity": "6"}),
    }
    for rail, (limit, fields) in limits.items():
        host, _ = free_host(rails={**{r: "waived" for r in RAILS}, rail: limit})
        with host:
            said = decide(host, **fields)
            assert said["verdict"] == "reject" and said["gate"] == rail, (rail, said)
            fields = {**fields, "quantity": "1"}
            assert decide(host, timestamp=now_iso(-9), **fields)["verdict"] == "accept", rail


def test_orders_per_minute_and_daily_loss_hold_entries_only():
    host, _ = free_host(rails={**{r: "waived" for r in RAILS}, "max_orders_per_minute": "3"})
    with host:
        assert decide(host)["verdict"] == "accept"
        until(lambda: len(open_positions(host)) == 1)
        for layer in (2, 3):
            said = decide(host, "PYRAMID", f"Long_{layer}")
            assert said["verdict"] == "accept", said
        until(lambda: len(open_positions(host)) == 3)
        said = decide(host, "PYRAMID", "Long_4")
        assert said["gate"] == "max_orders_per_minute", said
        assert leave(host, 5)["verdict"] == "accept"
    host, _ = free_host(rails={**{r: "waived" for r in RAILS}, "max_daily_loss": "100"})
    with host:
        decide(host, quantity="20", price="100", timestamp=now_iso(-1))
        until(lambda: len(open_positions(host)) == 1)
        decide(host, "EXIT", "ALL", price="90", timestamp=now_iso(-2))
        until(lambda: open_positions(host) == [])
        said = decide(host, timestamp=now_iso(-3))
        assert said["verdict"] == "reject" and said["gate"] == "max_daily_loss", said


def test_the_position_rail_sees_every_position():
    names = [f"I{n}" for n in range(80)]
    host, _ = free_host(instruments=[{"name": n} for n in names], log={"level": "warn"},
                        rails={**{r: "waived" for r in RAILS}, "max_position": "1"})
    with host:
        for name in names:
            assert decide(host, instrument=name)["verdict"] == "accept"
        until(lambda: len(open_positions(host)) == 80)
        said = decide(host, "PYRAMID", "Long_2", instrument=names[-1])
        assert said["verdict"] == "reject" and said["gate"] == "max_position", said


def test_a_lowered_rail_does_not_keep_a_position_open():
    host, config = free_host()
    with host:
        decide(host, quantity="10")
        until(lambda: len(open_positions(host)) == 1)
        host.stop()
        host.write_config({**config, "rails": {**config["rails"], "max_order_quantity": "5",
                                               "max_position": "5"}})
        host.start()
        assert leave(host, 1)["verdict"] == "accept"
        until(lambda: open_positions(host) == [])


def test_deposits_stay_within_what_can_be_read_again():
    with Host() as host:
        for amount, status in (("999999999999999", 409), ("-5", 200), ("998999999999999", 200),
                               ("1000000000000", 409), ("0", 400), ("NaN", 400)):
            answer = host.post("/api/deposit", {"amount": amount}, CHANGE)
            assert (answer.status == 200) == (status == 200), (amount, answer)
            assert host.get("/api/accounts").status == 200
        account = host.get("/api/accounts").json()[0]
        assert account["currency"] == "USD" and account["equity"] == "999000000999994", account
        host.restart()
        assert host.get("/api/accounts").json()[0] == account
        assert host.stop() == 0
        assert host.cli("verify").code == 0, host.cli("verify")


def test_configuration_without_the_instrument_of_a_position():
    names = [{"name": "TEST"}, {"name": "GONE"}]
    host, config = free_host(instruments=names)
    with host:
        decide(host, instrument="GONE")
        until(lambda: len(open_positions(host)) == 1)
        host.stop()
        host.write_config({**config, "instruments": names[:1]})
        host.start(wait=False)
        assert host.wait(20) == 78 and "GONE is missing and a position is open" in host.log()
        host.write_config(config)
        host.start()
        assert leave(host, 1, instrument="GONE")["verdict"] == "accept"
        until(lambda: open_positions(host) == [])
        host.stop()
        host.write_config({**config, "instruments": names[:1]})
        host.start()


def test_what_a_removed_strategy_left_open_can_be_closed():
    host, config = free_host()
    host.write_strategy("other", PLAIN_STRATEGY.replace('"plain"', '"other"'))
    host.write_config({**config, "strategies": [{"name": "plain"}, {"name": "other"}]})
    with host:
        decide(host, strategy="other")
        until(lambda: len(open_positions(host)) == 1)
        host.stop()
        host.write_config({**config, "instance": "renamed",
                           "account": {"currency": "EUR", "deposit": "5"}})
        host.start()
        assert "whose strategy is not loaded" in host.log()
        assert host.get("/api/accounts").json()[0]["deposits"] == "1000000"
        assert host.post("/webhook/test", signal(strategy="other")).status == 400
        leave(host, 1, strategy="other")
        until(lambda: open_positions(host) == [])
        assert host.post("/webhook/test", signal("EXIT", "ALL", strategy="other")).status == 400


def test_sizes_that_are_nonsense_are_refused_with_a_reason():
    with Host() as host:
        for n, size in enumerate(('{quantity = 0/0}', '{quantity = -1}', '{quantity = 1e300}',
                                  '{quantity = "many"}', '{quantity = 1.5}', '{}', '5', 'nil',
                                  '{quantity = {}}', '{quantity = 1/0}', '{quantity = 1, kind = 3}',
                                  '{quantity = 1, kind = "LIMIT"}', '{quantity = 1, stop = -1}',
                                  '{quantity = 1, kind = "LIMIT", limit_price = 0/0}',
                                  '{quantity = 100000000}')):
            text = PLAIN_STRATEGY.replace('{quantity = 1, limited_by = "test"}', size)
            host.write_strategy("plain", text.replace('version = "1"', f'version = "n{n}"'))
            until(lambda n=n: f'"version":"n{n}"' in host.log(), 10, f"version n{n} being live")
            said = decide(host, timestamp=now_iso(-n))
            assert said["verdict"] in ("failed", "reject") and said["reason"], (size, said)
        assert open_positions(host) == [] and host.get("/api/orders").json() == []


def test_short_side_end_to_end():
    host, _ = free_host(instruments=[{"name": "TEST", "point_value": "15"}])
    with host:
        decide(host, "BASE_ENTRY", "Short_1", side="SHORT", price="100", stop="102", quantity="3")
        until(lambda: len(open_positions(host)) == 1)
        said = decide(host, "PYRAMID", "Long_2", price="99", timestamp=now_iso(-1))
        assert said["verdict"] == "reject", said
        decide(host, "PYRAMID", "Short_2", side="SHORT", price="98", stop="101", quantity="1",
               timestamp=now_iso(-2))
        until(lambda: len(open_positions(host)) == 2)
        assert host.get("/api/status").json()["portfolio"]["open_risk"] != "0"
        decide(host, "EXIT", "ALL", side="SHORT", price="90", timestamp=now_iso(-3))
        until(lambda: open_positions(host) == [])
        account = host.get("/api/accounts").json()[0]
        assert account["realised"] == str((10 * 3 + 8) * 15), account


def book_of_the_broker(host):
    """Lots by strategy and instrument, and fees, as the paper broker's journal has them."""
    orders, net, fees = {}, {}, D(0)
    with open(host.folder + "/tidelock.db.paper", encoding="utf-8") as file:
        for line in file:
            words = line.rstrip("\n").split("\t")
            if words[0] == "O":
                assert words[1] not in orders, f"ordered twice: {words}"
                orders[words[1]] = words
            elif words[0] == "F":
                order = orders[words[1]]
                key = (order[3], order[4])
                lots = D(words[3]) * (1 if order[5] == "BUY" else -1)
                net[key] = net.get(key, D(0)) + lots
                fees += D(words[5])
    return {key: lots for key, lots in net.items() if lots}, fees


def ours(host):
    net = {}
    for row in open_positions(host):
        key = (row["strategy"], row["instrument"])
        lots = D(row["quantity"]) * (1 if row["side"] == "LONG" else -1)
        net[key] = net.get(key, D(0)) + lots
    return {key: lots for key, lots in net.items() if lots}


MARKETS = {  # price, places of the price, step of the quantity
    "A": (D("100.01"), D("0.01"), D("0.001")),
    "B": (D("0.00001234"), D("0.00000001"), D("0.001")),
    "C": (D("51234.55"), D("0.01"), D("1")),
    "D": (D("987654321.01"), D("0.01"), D("1")),
}


def any_signal(chance, at_s):
    name = chance.choice("ABCD")
    strategy, word = chance.choice((("plain", "Long"), ("short", "Short")))
    price, places, step = MARKETS[name]
    price = (price * (1 + D(chance.randint(-50, 50)) / 1000)).quantize(places)
    stop = (price * (D("0.9") if word == "Long" else D("1.1"))).quantize(places)
    kind, layer = chance.choice((("BASE_ENTRY", "1"), ("PYRAMID", "2"), ("PYRAMID", "3"),
                                 ("EXIT", ""), ("EXIT", "1"), ("EXIT", "2")))
    return signal(kind, f"{word}_{layer}" if layer else "ALL", strategy=strategy, instrument=name,
                  side=word.upper(), price=str(price), stop=None if kind == "EXIT" else str(stop),
                  quantity=str(chance.randint(1, 9000) * step), timestamp=at_s, atr=None)


def test_books_stay_exact_under_partial_fills_and_rejections(seconds=6):
    host, config = free_host()
    host.write_strategy("short", FREE_STRATEGY.replace('"plain"', '"short"'))
    host.write_config({
        **config, "log": {"level": "warn"},
        "strategies": [{"name": "plain"}, {"name": "short"}],
        "broker": {"kind": "paper", "latency": "1ms", "partial_permille": 1000,
                   "reject_permille": 300, "fee_per_lot": "0.37", "fee_percent": "0.013",
                   "slippage_percent": "0.07"},
        "instruments": [{"name": name, "quantity_step": str(step), "min_quantity": str(step),
                         "tick": str(places), "point_value": "0.1"}
                        for name, (_, places, step) in MARKETS.items()]})
    chance, at_s, end = random.Random(5), int(time.time()), time.monotonic() + seconds
    with host:
        while time.monotonic() < end:
            at_s -= 1
            answer = host.post("/webhook/test", any_signal(chance, at_s))
            assert answer.status == 202, answer
        until(lambda: host.get("/api/status").json()["queue"] ==
              {"waiting": 0, "working": 0, "retrying": 0, "dead": 0}, 20, "quiet")
        net, fees = book_of_the_broker(host)
        assert net == ours(host), (net, ours(host))
        account = host.get("/api/accounts").json()[0]
        assert D(account["fees"]) == fees, (account, fees)
        assert D(account["equity"]) == D(account["deposits"]) + D(account["realised"]) - fees
        assert sum(D(row["quantity"]) for row in host.get("/api/pyramids").json()) == \
            sum(abs(lots) for lots in net.values())
        host.restart()
        assert host.get("/api/accounts").json()[0] == account and ours(host) == net
        assert host.stop() == 0
        assert host.cli("verify").code == 0, host.cli("verify")


if __name__ == "__main__":
    main()
