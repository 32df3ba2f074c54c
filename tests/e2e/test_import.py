"""Positions that exist elsewhere enter the book, by the command and by the door."""

import json
import os

from harness import Host, default_config, main, signal, until


def line(position="Long_1", **fields):
    row = {
        "strategy": "plain",
        "instrument": "TEST",
        "position": position,
        "side": "LONG",
        "quantity": "3",
        "entry_price": "101.50",
        "stop": "97",
        "atr": "2.5",
        "opened_at": "2026-03-02T09:20:00+05:30",
    }
    row.update(fields)
    return {name: value for name, value in row.items() if value is not None}


def write(host, rows):
    path = os.path.join(host.folder, "positions.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(rows, out)
    return path


def positions(host):
    rows = host.get("/api/positions?status=open,closing,partial").json()
    return {row["label"]: row for row in rows}


def imported(host):
    return host.get("/api/events?kind=position.imported&limit=1000").json()


def both(count=2):
    more = line("Long_2", entry_price="104", quantity=1, stop="99", initial_stop="98")
    return [more, line()][:count]


def test_a_file_enters_whole_and_once():
    with Host() as host:
        path = write(host, both())
        out = host.cli("import", path, "--dry-run")
        assert out.code == 0 and "would enter" in out.out and "0 entered" in out.out, out
        assert imported(host) == [] and positions(host) == {}
        out = host.cli("import", path, "--who", "anna & co")
        assert out.code == 0 and "2 entered, 0 stood" in out.out, out
        base, more = positions(host)["Long_1"], positions(host)["Long_2"]
        assert base["is_base_position"] and not more["is_base_position"], base
        assert (base["quantity"], base["entry_price"], base["atr"]) == ("3", "101.5", "2.5"), base
        assert (base["initial_stop"], base["stop"]) == ("97", "97"), base
        assert (more["initial_stop"], more["stop"]) == ("98", "99"), more
        assert base["opened_at"].startswith("2026-03-02T03:50:00"), base
        pyramid = host.get("/api/pyramids").json()[0]
        assert pyramid["layers"] == 2 and pyramid["base_position_id"] == base["id"], pyramid
        assert pyramid["pyramids"] == 1 and pyramid["last_entry_price"] == "104", pyramid
        until(lambda: host.get("/api/reconciliation").json()["last"]["trigger"] == "import")
        assert host.get("/api/reconciliation").json()["last"]["discrepancies"] == []
        told = imported(host)
        assert len(told) == 2 and "anna & co" in json.dumps(told[0]["body"]), told
        orders = host.get("/api/orders").json()
        assert all(row["state"] == "filled" for row in orders), orders

        again = host.cli("import", path)
        assert again.code == 0 and "0 entered, 2 stood" in again.out, again
        assert len(imported(host)) == 2
        host.restart()
        assert set(positions(host)) == {"Long_1", "Long_2"}
        assert host.get("/api/reconciliation").json()["last"]["discrepancies"] == []
        host.stop()
        assert host.cli("verify").code == 0
        host.start()


def test_what_was_imported_is_closed_as_any_position_and_stays_closed():
    with Host() as host:
        path = write(host, both())
        assert host.cli("import", path).code == 0
        answer = host.decide(signal("EXIT", "ALL"))
        assert answer.status == 202, answer
        until(lambda: positions(host) == {}, what="everything closed")
        account = host.get("/api/accounts").json()[0]
        assert account["realised"] != "0", account
        again = host.cli("import", path)
        assert again.code == 0 and "0 entered, 2 stood" in again.out, again
        assert positions(host) == {}
        host.stop()
        assert host.cli("verify").code == 0
        host.start()


def test_every_fault_is_told_at_once_and_nothing_enters():
    with Host() as host:
        rows = [
            line(quantity="-1", stop="x"),
            line("Long_7"),
            line("Short_1", side="LONG", instrument="NOTHING"),
            line(opened_at="2026-03-02T09:20:00", strategy="other"),
            line("Long_2", color="red"),
            line("Long_2"),
            17,
        ]
        answer = host.post("/api/import", rows, {"X-Tidelock": "1"})
        assert answer.status == 400, answer
        faults = {one["path"]: one["error"] for one in answer.json()["errors"]}
        for path in (
            "$[0].quantity",
            "$[0].stop",
            "$[1].position",
            "$[2].instrument",
            "$[2].side",
            "$[3].opened_at",
            "$[3].strategy",
            "$[4].color",
            "$[6]",
        ):
            assert path in faults, (path, faults)
        assert positions(host) == {}
        out = host.cli("import", write(host, {"positions": rows}))
        assert out.code == 1 and "$.positions[1].position" in out.err, out
        out = host.cli("import", write(host, []))
        assert out.code == 1 and "1 to 128" in out.err, out


def test_what_does_not_fit_the_book_is_refused():
    with Host() as host:
        assert host.cli("import", write(host, both())).code == 0
        cases = (
            ([line(quantity=4)], "is open already"),
            ([line("Short_1", side="SHORT", stop=None)], "other side"),
            ([line("Long_3"), line("Long_3", quantity=9)], "the same layer"),
        )
        for rows, why in cases:
            out = host.cli("import", write(host, rows))
            assert out.code == 1 and why in out.err, out
        assert set(positions(host)) == {"Long_1", "Long_2"}
        out = host.cli("import", write(host, [line("Long_3", stop=None, atr=None)]))
        assert out.code == 0, out
        assert positions(host)["Long_3"]["stop"] is None
    with Host() as host:
        out = host.cli("import", write(host, [line("Long_2")]))
        assert out.code == 1 and "needs its base, Long_1" in out.err, out


def test_only_who_may_change_imports():
    with Host() as host:
        assert host.post("/api/import", both()).status == 403
        assert positions(host) == {}


def test_a_whole_list_is_one_write():
    more = [{"name": f"T{i}", "tick": "0.05"} for i in range(25)]
    with Host() as host:
        host.write_config(default_config(host, instruments=more))
        host.write_strategy(
            "plain",
            """return { name = "plain", version = "1", instruments = "*",
            size = function(f) return { quantity = 1 } end }""",
        )
        host.restart()
        rows = [line(f"Long_{n}", instrument=f"T{i}") for i in range(25) for n in range(1, 6)]
        out = host.cli("import", write(host, rows), "--json")
        assert out.code == 0, out
        assert json.loads(out.out)["imported"] == 125
        assert len(host.get("/api/positions?status=open&limit=1000").json()) == 125
        assert len(imported(host)) == 125
        host.stop()
        assert host.cli("verify").code == 0
        host.start()


if __name__ == "__main__":
    main()
