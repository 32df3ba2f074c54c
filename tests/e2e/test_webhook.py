"""The way in: what is accepted, what is refused, with which status and sentence, and that
nothing is lost."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import os
import time

from harness import PLAIN_STRATEGY, Host, default_config, main, now_iso, signal, until


def state_of(host, signal_id):
    return host.get(f"/api/signals?id={signal_id}").json()[0]["state"]


def settled(host):
    queue = host.get("/api/status").json()["queue"]
    return queue["waiting"] == queue["working"] == queue["retrying"] == 0


def test_accepted_then_duplicate_with_the_first_result():
    with Host() as host:
        body = signal()
        first = host.decide(body)
        assert first.status == 202, first
        assert first.json()["decision"]["verdict"] == "accept", first
        again = host.post("/webhook/test", body)
        assert again.status == 200 and again.json()["status"] == "duplicate", again
        assert again.json()["id"] == first.json()["id"]
        until(lambda: state_of(host, first.json()["id"]) == "done")
        assert len(host.get("/api/orders").json()) == 1


def test_duplicate_after_restart_is_known():
    with Host() as host:
        body = signal()
        first = host.decide(body).json()
        host.restart()
        again = host.post("/webhook/test", body)
        assert again.status == 200 and again.json()["id"] == first["id"], again
        assert len(host.get("/api/orders").json()) == 1


def test_every_fault_is_told_at_once():
    with Host() as host:
        answer = host.post(
            "/webhook/test",
            signal(type="BUY", price="NaN", stop="{{plot_0}}", timestamp="yesterday"),
        )
        assert answer.status == 400, answer
        paths = {fault["path"] for fault in answer.json()["errors"]}
        assert {"$.type", "$.price", "$.stop", "$.timestamp"} <= paths, answer
        assert host.get("/api/signals").json() == []


def test_malformed_bodies():
    bad = [
        b"",
        b"{",
        b"[]",
        b"nothing",
        b'{"type":NaN}',
        b'{"a":1,"a":2}',
        b'{"a":"\x00"}',
        b'{"a":"\xff"}',
        b"[" * 10000,
        b'{"a":' * 5000,
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'{"price":1e400}',
        b'{"price":-0}',
    ]
    with Host() as host:
        for body in bad:
            answer = host.post("/webhook/test", body)
            assert answer.status == 400, (body[:40], answer)
            assert answer.json()["errors"][0]["error"], body[:40]
        assert host.get("/livez").status == 200


def test_text_plain_with_json_is_taken_and_other_types_are_not():
    with Host() as host:
        plain = {"Content-Type": "text/plain; charset=utf-8"}
        assert host.post("/webhook/test", json.dumps(signal()), plain).status == 202
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (
            host.post("/webhook/test", json.dumps(signal(timestamp=now_iso(-1))), form).status
            == 415
        )


def test_numbers_as_strings_and_zones_make_the_same_signal():
    with Host() as host:
        stamp = int(time.time())
        utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp))
        india = time.strftime("%Y-%m-%dT%H:%M:%S+05:30", time.gmtime(stamp + 19800))
        first = host.post("/webhook/test", signal(price=100.0, timestamp=utc))
        assert first.status == 202, first
        for other in (india, stamp, str(stamp), stamp * 1000):
            again = host.post("/webhook/test", signal(price="100", timestamp=other))
            assert again.status == 200 and again.json()["id"] == first.json()["id"], (other, again)


def test_naive_time_needs_the_sources_zone():
    with Host() as host:
        naive = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 19800))
        answer = host.post("/webhook/test", signal(timestamp=naive))
        assert answer.status == 400 and "zone" in answer.text, answer
        host.stop()
        host.write_config(
            default_config(
                host, sources=[{"name": "test", "open": True, "naive_time_zone": "Asia/Kolkata"}]
            )
        )
        host.start()
        assert host.post("/webhook/test", signal(timestamp=naive)).status == 202


def test_stale_entries_are_rejected_and_exits_never():
    with Host() as host:
        old = host.decide(signal(timestamp=now_iso(-3600)))
        assert old.status == 202, old
        until(lambda: state_of(host, old.json()["id"]) in ("expired", "rejected"))
        assert host.get("/api/orders").json() == []
        assert host.decide(signal()).json()["decision"]["verdict"] == "accept"
        until(lambda: settled(host))
        exit_ = host.decide(signal("EXIT", "ALL", timestamp=now_iso(-86400), stop=None))
        assert exit_.json()["decision"]["verdict"] == "accept", exit_
        until(lambda: host.get("/api/positions?status=open").json() == [])


def test_exit_of_nothing_is_ignored():
    with Host() as host:
        answer = host.decide(signal("EXIT", "ALL", stop=None)).json()
        until(lambda: state_of(host, answer["id"]) == "ignored")


def test_six_exits_in_one_second_close_six_layers():
    with Host() as host:
        for layer in range(1, 7):
            kind = "BASE_ENTRY" if layer == 1 else "PYRAMID"
            answer = host.decide(signal(kind, f"Long_{layer}", price=str(100 + layer)))
            assert answer.json()["decision"]["verdict"] == "accept", answer
        until(lambda: len(host.get("/api/positions?status=open").json()) == 6)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            order = [3, 1, 6, 2, 5, 4]
            answers = list(
                pool.map(
                    lambda n: host.post(
                        "/webhook/test", signal("EXIT", f"Long_{n}", price="110", stop=None)
                    ),
                    order,
                )
            )
        assert all(a.status == 202 for a in answers), answers
        until(lambda: host.get("/api/positions?status=open").json() == [])
        pyramid = host.get("/api/pyramids").json()[0]
        assert pyramid["base_position_id"] in ("", None) and pyramid["layers"] == 0, pyramid


def test_sources_prove_themselves():
    secret, key = "s3cret-path-token-0123456789", "hmac-key-0123456789abcdef"
    env = {"T_PATH": secret, "T_BODY": secret, "T_HMAC": key}
    host = Host(env=env)
    host.write_config(
        default_config(
            host,
            sources=[
                {"name": "path", "path_secret": "env:T_PATH"},
                {"name": "body", "secret_field": "token", "body_secret": "env:T_BODY"},
                {"name": "signed", "hmac_secret": "env:T_HMAC"},
                {"name": "far", "open": True, "allow": ["203.0.113.0/24"]},
            ],
        )
    )
    with host:
        assert host.post("/webhook/path", signal()).status == 401
        assert host.post("/webhook/path/wrong", signal()).status == 401
        assert host.post(f"/webhook/path/{secret}", signal()).status == 202
        assert (
            host.post("/webhook/body", signal(token="wrong", timestamp=now_iso(-1))).status == 401
        )
        good = host.post("/webhook/body", signal(token=secret, timestamp=now_iso(-1)))
        assert good.status == 202, good
        assert host.post("/webhook/far", signal(timestamp=now_iso(-2))).status == 403
        body = json.dumps(signal(timestamp=now_iso(-3)))

        def headers(stamp, text=body):
            mac = hmac.new(key.encode(), f"msg_1.{stamp}.{text}".encode(), hashlib.sha256).digest()
            return {
                "Content-Type": "application/json",
                "webhook-id": "msg_1",
                "webhook-timestamp": str(stamp),
                "webhook-signature": "v1,AAAA v1," + base64.b64encode(mac).decode(),
            }

        now = int(time.time())
        assert host.post("/webhook/signed", body).status == 401
        assert host.post("/webhook/signed", body, headers(now - 4000)).status == 401
        assert host.post("/webhook/signed", body, headers(now, "another")).status == 401
        assert host.post("/webhook/signed", body, headers(now)).status == 202
        host.stop()
        stored = open(os.path.join(host.folder, "tidelock.db"), "rb").read() + host.log().encode()
        assert secret.encode() not in stored and key.encode() not in stored


def test_forwarded_addresses_count_from_the_right_over_all_lines():
    host = Host()
    host.write_config(
        default_config(
            host,
            sources=[{"name": "far", "open": True, "allow": ["203.0.113.0/24"]}],
            admin={"trusted_proxies": ["127.0.0.1", "10.0.0.1"]},
        )
    )

    def status(n, *lines):
        text = json.dumps(signal(timestamp=now_iso(-n))).encode()
        head = "".join(f"X-Forwarded-For: {line}\r\n" for line in lines)
        with host.connect() as connection:
            connection.send(
                f"POST /webhook/far HTTP/1.1\r\nHost: x\r\n{head}"
                f"Content-Length: {len(text)}\r\n\r\n".encode() + text
            )
            return connection.read_answer().status

    with host:
        assert status(1, "203.0.113.9") == 202
        assert status(2, "203.0.113.9, 10.0.0.1") == 202
        assert status(3, "1.2.3.4", "203.0.113.9") == 202
        for lines in (
            [],
            ["203.0.113.9, 1.2.3.4"],
            ["203.0.113.9", "1.2.3.4"],
            ["203.0.113.9", "1.2.3.4, 10.0.0.1"],
            ["203.0.113.9,,"],
            ["203.0.113.9, unknown"],
        ):
            assert status(4, *lines) == 403, lines


def test_web_pages_cannot_send_to_an_open_source():
    with Host() as host:
        foreign = {"Origin": "http://evil.example", "Content-Type": "text/plain"}
        body = json.dumps(signal())
        assert host.post("/webhook/test", body, foreign).status == 403
        assert host.post("/webhook/test", body, {**foreign, "Origin": "null"}).status == 403
        own = {"Origin": f"http://127.0.0.1:{host.port}", "Host": f"127.0.0.1:{host.port}"}
        assert host.post("/webhook/test", body, own).status == 202


def test_rate_limit_spares_exits():
    host = Host()
    host.write_config(
        default_config(host, sources=[{"name": "test", "open": True, "rate_per_minute": 2}])
    )
    with host:
        statuses = [
            host.post("/webhook/test", signal(timestamp=now_iso(-n))).status for n in range(4)
        ]
        assert statuses == [202, 202, 429, 429], statuses
        assert host.post("/webhook/test", signal("EXIT", "ALL", stop=None)).status == 202


def test_mapped_payloads_and_lines():
    host = Host()
    host.write_config(
        default_config(
            host,
            sources=[
                {
                    "name": "bot",
                    "open": True,
                    "strategy": "plain",
                    "mapping": {
                        "instrument": "data.ticker",
                        "price": "data.close",
                        "timestamp": "data.time",
                        "type": "data.what",
                    },
                    "values": {"type": {"open": "BASE_ENTRY", "flat": "EXIT"}},
                },
                {"name": "lines", "open": True, "strategy": "plain"},
            ],
        )
    )
    with host:
        body = {
            "data": {"ticker": "TEST", "close": "100.5", "time": now_iso(), "what": "open"},
            "position": "Long_1",
        }
        answer = host.decide(body, "/webhook/bot")
        assert answer.status == 202 and answer.json()["decision"]["verdict"] == "accept", answer
        line = f"type=EXIT,instrument=TEST,position=ALL,price=101,timestamp={now_iso()}"
        answer = host.post("/webhook/lines", line, {"Content-Type": "text/plain"})
        assert answer.status == 202, answer
        until(lambda: host.get("/api/positions?status=open").json() == [])


def test_dead_letters_are_listed_retried_and_dropped():
    host = Host()
    host.write_config(default_config(host, retry={"attempts": 2, "base": "10ms", "cap": "20ms"}))
    defers = PLAIN_STRATEGY.replace("return true", 'return defer(0.02, "not yet")')
    host.write_strategy("plain", defers)
    with host:
        ids = [
            host.post("/webhook/test", signal(timestamp=now_iso(-n))).json()["id"] for n in (0, 9)
        ]
        until(lambda: all(state_of(host, i) == "dead" for i in ids), 20, "both being dead letters")
        assert host.get("/api/status").json()["queue"]["dead"] == 2
        listed = host.cli("dead", "list")
        assert ids[0] in listed.out and ids[1] in listed.out, listed
        assert host.cli("dead", "drop", ids[1]).code == 2, "dropping needs a reason"
        assert host.cli("dead", "drop", ids[1], "--reason", "test").code == 0
        host.write_strategy("plain", PLAIN_STRATEGY.replace('version = "1"', 'version = "2"'))
        until(lambda: host.get("/api/policies").json()[0]["version"] == "2")
        assert host.cli("dead", "retry", ids[0]).code == 0
        until(lambda: state_of(host, ids[0]) == "done", 20, "the retried signal being done")
        assert state_of(host, ids[1]) == "dropped"
        assert host.cli("dead", "retry", ids[1]).code == 1


def test_flatten_closes_everything_and_freeze_stops_exits():
    with Host() as host:
        host.decide(signal())
        until(lambda: len(host.get("/api/positions?status=open").json()) == 1)
        assert host.cli("halt", "flatten", "--reason", "test").code == 0
        until(lambda: host.get("/api/positions?status=open").json() == [], 10, "being flat")
        assert host.cli("resume", "--reason", "test").code == 0
        host.decide(signal(timestamp=now_iso(-9)))
        until(lambda: len(host.get("/api/positions?status=open").json()) == 1)
        assert host.cli("halt", "freeze", "--reason", "test").code == 0
        host.post("/webhook/test", signal("EXIT", "ALL", stop=None))
        assert len(host.get("/api/positions?status=open").json()) == 1
        assert host.cli("resume", "--reason", "test").code == 0


def test_silent_source_is_told():
    host = Host()
    host.write_config(
        default_config(host, sources=[{"name": "test", "open": True, "silence": "1s"}])
    )
    with host:
        host.await_log("a source is silent", 10)


def test_unknown_things():
    with Host() as host:
        assert host.post("/webhook/nobody", signal()).status == 404
        assert host.get("/webhook/test").status == 405
        assert host.get("/nothing").status == 404
        assert host.post("/webhook/test", signal(instrument="NSE:OTHER")).status == 400
        assert host.post("/webhook/test", signal(strategy="other")).status == 400


def test_oversized_body_costs_nothing():
    with Host() as host:
        before = host.rss_kib()
        for _ in range(20):
            with host.connect() as connection:
                connection.send(
                    b"POST /webhook/test HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n"
                    + b"x" * 1000
                )
                assert connection.read_answer("POST").status == 413
        assert host.rss_kib() - before < 4096


def test_pipelined_signals_are_answered_in_order():
    with Host() as host:
        bodies = [json.dumps(signal(timestamp=now_iso(-n))).encode() for n in range(50)]
        with host.connect() as connection:
            for body in bodies:
                connection.send(
                    b"POST /webhook/test HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(body) + body
                )
            answers = [connection.read_answer("POST") for _ in bodies]
        assert all(a.status == 202 for a in answers)
        assert len({a.json()["id"] for a in answers}) == len(bodies)


def test_half_closed_client_gets_its_answer():
    with Host() as host:
        body = json.dumps(signal()).encode()
        with host.connect() as connection:
            connection.send(
                b"POST /webhook/test HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Connection: close\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body
            )
            connection.half_close()
            try:
                assert connection.read_answer("POST").status == 202
            except EOFError:
                pass  # a server may take it for gone; the signal must be there all the same
        until(lambda: len(host.get("/api/signals").json()) == 1)


def test_burst_of_10000_is_absorbed():
    count, clients = 10000, 32
    host = Host()
    host.write_config(
        default_config(
            host,
            log={"level": "warn", "format": "json"},
            instruments=[{"name": f"I{n}"} for n in range(100)],
            staleness={"entry_max_age": "30d"},
        )
    )
    host.write_strategy(
        "plain",
        open(os.path.join(host.folder, "strategies/plain/strategy.lua"))
        .read()
        .replace('{"TEST"}', '"*"'),
    )
    with host:
        stamp = int(time.time())

        def send(client):
            accepted = 0
            with host.connect(60) as connection:
                for n in range(client, count, clients):
                    kind, layer = (("BASE_ENTRY", "Long_1"), ("EXIT", "ALL"))[n // 100 % 2]
                    answer = connection.ask(
                        "POST",
                        "/webhook/test",
                        signal(kind, layer, instrument=f"I{n % 100}", timestamp=stamp - n // 100),
                    )
                    accepted += answer.status == 202
            return accepted

        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            accepted = sum(pool.map(send, range(clients)))
        assert accepted == count, accepted
        until(lambda: settled(host), 60, "every signal reaching its end")
        metrics = host.get("/metrics").text
        assert host.stop() == 0
    assert "tidelock_queue_depth" in metrics
    done = host.cli("verify") if os.path.exists(host.folder) else None
    assert done is None or done.code == 0, done


if __name__ == "__main__":
    main()
