"""Hot reload: a changed file is swapped whole between decisions, a broken one changes nothing, and
every decision names its version."""
import concurrent.futures
import json
import os

from harness import PLAIN_STRATEGY, Host, default_config, main, now_iso, signal, until


def version(host):
    return host.get("/api/policies").json()[0]["version"]


def with_version(text, value):
    return text.replace('version = "1"', f'version = "{value}"')


def test_changed_file_goes_live_and_decisions_name_it():
    with Host() as host:
        assert version(host) == "1"
        first = host.decide(signal()).json()["decision"]
        host.write_strategy(
            "plain",
            with_version(PLAIN_STRATEGY, 2).replace("return true", 'return reject("closed today")'),
        )
        until(lambda: version(host) == "2")
        second = host.decide(signal("PYRAMID", "Long_2", timestamp=now_iso(-1))).json()["decision"]
        assert first["policy_version"] == "1" and second["policy_version"] == "2", (first, second)
        assert (
            second["verdict"] == "reject"
            and second["reason"] == "closed today"
            and second["gate"] == "always"
        ), second
        kinds = [e["kind"] for e in host.get("/api/events?after=0&limit=1000").json()]
        assert any(k.startswith("policy.") for k in kinds), kinds


def test_broken_file_leaves_the_old_one_and_says_where():
    with Host() as host:
        host.write_strategy(
            "plain", PLAIN_STRATEGY.replace("size = function()", "size = function(")
        )
        host.await_log(r"strategy\.lua:\d+")
        assert version(host) == "1"
        assert host.decide(signal()).json()["decision"]["verdict"] == "accept"


def test_runaway_policy_rejects_its_entries_loudly_and_the_loop_lives():
    with Host() as host:
        host.write_strategy(
            "plain", with_version(PLAIN_STRATEGY, 2).replace("return true", "while true do end")
        )
        until(lambda: version(host) == "2")
        answer = host.decide(signal()).json()
        assert answer["decision"]["verdict"] == "failed", answer
        assert host.get("/livez").status == 200


def test_exit_goes_through_a_failing_policy():
    with Host() as host:
        host.decide(signal())
        until(lambda: len(host.get("/api/positions?status=open").json()) == 1)
        host.write_strategy(
            "plain",
            with_version(PLAIN_STRATEGY, 2)
            .replace("return true", "error('boom')")
            .replace("return {quantity = 1", "error('boom') return {quantity = 1"),
        )
        until(lambda: version(host) == "2")
        host.decide(signal("EXIT", "ALL", stop=None))
        until(lambda: host.get("/api/positions?status=open").json() == [])


def test_rollback_by_command():
    with Host() as host:
        host.write_strategy("plain", with_version(PLAIN_STRATEGY, 2))
        until(lambda: version(host) == "2")
        done = host.cli("policy", "rollback", "plain", "--author", "ops")
        assert done.code == 0 and version(host) == "1", done


def test_reload_storm_under_load_loses_and_mixes_nothing():
    host = Host()
    names = [f"I{n}" for n in range(20)]
    host.write_config(
        default_config(
            host,
            log={"level": "warn", "format": "json"},
            instruments=[{"name": n} for n in names],
            staleness={"entry_max_age": "30d"},
        )
    )
    # Gate and size each tell their version; a decision of half a version would show two.
    text = """return {{
    name = "plain", version = "{v}", instruments = "*",
    gates = {{ {{ name = "gate_{v}", check = function() return true end }} }},
    size = function() return {{ quantity = 1, limited_by = "v{v}" }} end,
}}
"""
    host.write_strategy("plain", text.format(v=0))
    with host:

        def send(client):
            ids = []
            with host.connect(30) as connection:
                for n in range(60):
                    kind, layer = (("BASE_ENTRY", "Long_1"), ("EXIT", "ALL"))[n % 2]
                    body = signal(
                        kind,
                        layer,
                        instrument=names[client],
                        timestamp=now_iso(-n),
                        stop="98.00" if kind != "EXIT" else None,
                    )
                    answer = connection.ask("POST", "/webhook/test?wait=decision", body)
                    assert answer.status == 202, answer
                    ids.append(answer.json()["id"])
            return ids

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(send, c) for c in range(20)]
            v = 0
            while not all(f.done() for f in futures):
                v += 1
                host.write_strategy("plain", text.format(v=v))
                until(lambda: all(f.done() for f in futures) or version(host) == str(v), 20)
            ids = [i for f in futures for i in f.result()]
        assert len(ids) == 1200 and v > 3, v
        seen = set()
        traces = {}
        for event in host.get("/api/events?kind=signal.decided&limit=1000").json():
            traces[event["subject"]] = json.dumps(event["body"]["cause"])
        for row in host.get("/api/decisions?limit=1000").json():
            trace = traces.get(row["signal_id"], "")
            seen.add(row["policy_version"])
            if row["verdict"] == "accept" and f'"gate_' in trace:
                assert (
                    f'gate_{row["policy_version"]}"' in trace
                    and f'v{row["policy_version"]}"' in trace
                ), row
        assert len(seen) > 2, seen
        states = {r["state"] for r in host.get("/api/signals?limit=1000").json()}
        assert states <= {"done", "ignored", "working", "rejected"}, states


def test_policy_check_without_a_host():
    host = Host()
    try:
        folder = os.path.join(host.folder, "strategies/plain")
        assert host.cli("policy", "check", folder).code == 0
        host.write_strategy("plain", PLAIN_STRATEGY.replace("quantity = 1", "os.exit(0)"))
        host.write_strategy(
            "plain", "return { name = 'plain', version = 1, gates = 5, sizee = 1 }\n"
        )
        done = host.cli("policy", "check", folder)
        assert done.code == 1 and "sizee" in done.err and "gates" in done.err, done
    finally:
        host.clean()


if __name__ == "__main__":
    main()
