"""Checks leases.pml with Spin: the protocol holds, and every broken variant is seen to break."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "leases.pml")
# Options, and the promise that is broken with them (None: all of them hold).
RUNS = [
    ([], None),
    (["SILENCE_ONLY"], None),
    (["NO_FENCE"], "<=1"),
    (["REDIS_DECIDES"], "<=1"),
    (["NO_WINDOW"], "book["),
    (["LATE_HOLDER"], "book["),
    (["NO_GRACE", "SILENCE_ONLY"], "mine["),
]


def check(options):
    """Verifies the model with these options: the sentence that was violated, or None."""
    with tempfile.TemporaryDirectory() as folder:

        def run(*command):
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=800, check=False
            )
            return done.stdout + done.stderr

        said = run("spin", *[f"-D{option}" for option in options], "-a", MODEL)
        said += run("cc", "-O1", "-w", "-DSAFETY", "-DMEMLIM=900", "-o", "pan", "pan.c")
        if not os.path.exists(os.path.join(folder, "pan")):
            raise AssertionError(said)
        said = run("./pan", "-E", "-m200000")
    states = re.search(r"(\d+) states, stored", said)
    errors = re.search(r"errors: (\d+)", said)
    whole = "Search not completed" not in said or (errors and errors[1] != "0")
    if not states or not errors or not whole or "too small" in said:
        raise AssertionError(f"the search did not end:\n{said}")
    violated = re.search(r"assertion violated (.*?)\)? \(at depth", said)
    if errors[1] != "0" and not violated:
        raise AssertionError(said)
    return (violated[1].replace(" ", "") if violated else None), int(states[1])


def main():
    passed = failed = 0
    for options, broken in RUNS:
        name = "+".join(options) or "the protocol"
        try:
            violated, states = check(options)
            good = violated is None if broken is None else violated and broken in violated
            why = f"violated: {violated}"
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            good, why, states = False, str(error), 0
        print(f"ok {name} ({states} states)" if good else f"FAILED {name}: {why}")
        passed, failed = passed + bool(good), failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
