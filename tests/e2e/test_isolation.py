"""A configuration line moves a strategy into a worker process; the host outlives what it does."""
import os
import signal as traps

from harness import PLAIN_STRATEGY, Host, default_config, main, now_iso, signal, until

WORKER = [{"name": "plain", "isolation": "worker"}]


def policy(host):
    return host.get("/api/policies").json()[0]


def decide(host, layer=1, age_s=0):
    """The decision about an entry of this layer; another age makes another signal."""
    body = signal("PYRAMID" if layer > 1 else "BASE_ENTRY", f"Long_{layer}",
                  timestamp=now_iso(-age_s))
    answer = host.decide(body)
    return answer.json()["decision"]


def isolated(host, text=PLAIN_STRATEGY, **changes):
    config = default_config(host, strategies=WORKER, **changes)
    host.write_strategy("plain", text)
    return config


def started(text=PLAIN_STRATEGY):
    host = Host(config=None)
    host.write_config(isolated(host, text))
    return host


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def test_a_strategy_in_a_worker_decides():
    with started() as host:
        told = policy(host)
        assert told["isolation"] == "worker" and told["worker"]["pid"] > 0, told
        decision = decide(host)
        assert decision["verdict"] == "accept" and decision["quantity"] == "1", decision
        told = policy(host)
        assert told["gates"][0]["passed"] == 1 and told["usage"]["calls"] > 0, told
        with open(f"/proc/{told['worker']['pid']}/status", encoding="ascii") as file:
            status = file.read()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, status


def test_the_line_moves_it_and_the_decision_is_the_same():
    decisions = []
    for strategies in (WORKER, [{"name": "plain", "isolation": "process"}]):
        host = Host(config=None)
        host.write_config(default_config(host, strategies=strategies))
        with host:
            explained = decide(host)
            assert policy(host)["isolation"] == strategies[0]["isolation"]
            decisions.append({name: explained[name] for name in
                              ("verdict", "gate", "reason", "quantity", "policy_hash")
                              if name in explained})
            if strategies == [{"name": "plain", "isolation": "process"}]:
                assert not children(host.process.pid)
    assert decisions[0] == decisions[1], decisions


def test_a_loop_without_end_rejects_its_entry_and_the_host_goes_on():
    with started(PLAIN_STRATEGY.replace("return true", "while true do end")) as host:
        decision = decide(host)
        assert decision["verdict"] == "failed" and "stopped" in decision["reason"], decision
        assert host.get("/livez").status == 200
        assert decide(host, age_s=30)["verdict"] == "failed"


def test_a_worker_killed_by_hand_fails_loudly_and_is_replaced():
    with started() as host:
        assert decide(host)["verdict"] == "accept"
        pid = policy(host)["worker"]["pid"]
        os.kill(pid, traps.SIGKILL)
        decision = decide(host, 2)
        assert decision["verdict"] == "failed", decision
        assert "killed by signal 9" in decision["reason"], decision
        host.await_log("killed by signal 9")
        fresh = policy(host)["worker"]
        assert fresh["pid"] != pid and fresh["replaced"] == 1, fresh
        assert decide(host, 3)["verdict"] == "accept"


def test_a_worker_that_does_not_answer_is_killed_on_the_deadline():
    with started() as host:
        pid = policy(host)["worker"]["pid"]
        os.kill(pid, traps.SIGSTOP)
        decision = decide(host)
        assert decision["verdict"] == "failed", decision
        assert "no answer within" in decision["reason"], decision
        assert not os.path.exists(f"/proc/{pid}")
        assert decide(host, age_s=30)["verdict"] == "accept"


def test_an_exit_goes_through_without_its_worker():
    text = PLAIN_STRATEGY.replace("size = function()", "exit_size = function() return nil end,\n"
                                  "    size = function()")
    with started(text) as host:
        assert decide(host)["verdict"] == "accept"
        until(lambda: len(host.get("/api/positions?status=open").json()) == 1)
        os.kill(policy(host)["worker"]["pid"], traps.SIGKILL)
        host.decide(signal("EXIT", "ALL", stop=None))
        until(lambda: host.get("/api/positions?status=open").json() == [])


def test_a_changed_file_is_swapped_and_a_broken_one_is_not():
    with started() as host:
        broken = PLAIN_STRATEGY.replace("size = function()", "size = function(")
        host.write_strategy("plain", broken)
        host.await_log(r"strategy\.lua:\d+")
        assert decide(host)["verdict"] == "accept"
        host.write_strategy("plain", PLAIN_STRATEGY.replace('"1"', '"2"', 1)
                            .replace("return true", 'return reject("closed")'))
        until(lambda: policy(host)["version"] == "2")
        decision = decide(host, 2)
        assert decision["verdict"] == "reject" and decision["reason"] == "closed", decision


def test_nobody_is_left_when_the_host_is_killed():
    with started() as host:
        worker = policy(host)["worker"]["pid"]
        zygote = children(host.process.pid)
        assert len(zygote) == 2, zygote
        host.kill()
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in [worker, *zygote]))


def parent(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def ended(pid):
    """Killed, and not yet waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "Z"


def test_the_process_that_forks_workers_is_killed_and_made_again():
    with started() as host:
        for layer, age in ((2, 30), (3, 25), (4, 20), (5, 15)):
            assert decide(host, 1, age)["verdict"] in ("accept", "reject")
            worker = policy(host)["worker"]["pid"]
            zygote = parent(worker)
            assert zygote != host.process.pid
            os.kill(zygote, traps.SIGKILL)
            until(lambda: not os.path.exists(f"/proc/{worker}"))
            decision = decide(host, layer, age)  # the first to notice, or after who noticed
            if decision["verdict"] == "failed":
                assert "worker" in decision["reason"], decision
                decision = decide(host, layer, age - 1)
            assert decision["verdict"] == "accept", decision
            fresh = policy(host)["worker"]["pid"]
            assert fresh and fresh != worker and parent(fresh) != zygote
        until(lambda: not os.path.exists(f"/proc/{worker}"))


def test_the_spare_that_is_killed_is_made_again_with_the_next_worker():
    with started() as host:
        worker = policy(host)["worker"]["pid"]
        spare = [pid for pid in children(host.process.pid) if pid != parent(worker)]
        assert len(spare) == 1, spare
        os.kill(spare[0], traps.SIGKILL)
        os.kill(worker, traps.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{worker}") or ended(worker))
        assert decide(host)["verdict"] in ("failed", "accept")  # by who noticed first
        until(lambda: policy(host)["worker"]["pid"] not in (0, worker))
        worker = policy(host)["worker"]["pid"]
        os.kill(parent(worker), traps.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{worker}"))
        until(lambda: policy(host)["worker"]["pid"] != worker or
              decide(host, age_s=20)["verdict"] == "failed")
        verdict = decide(host, age_s=10)["verdict"]
        assert verdict in ("accept", "reject"), verdict  # reject: its base is open already


if __name__ == "__main__":
    main()
