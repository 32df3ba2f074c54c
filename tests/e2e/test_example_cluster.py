"""examples/cluster/run shows what it says: shared work, a killed leader, the next, a sound log."""

import glob
import os
import re
import subprocess

from harness import ROOT, SLOW, Skip, main


def test_the_example_runs():
    if not glob.glob("/usr/lib/postgresql/*/bin/postgres"):
        raise Skip("needs postgresql")
    done = subprocess.run(
        [os.path.join(ROOT, "examples", "cluster", "run")],
        capture_output=True,
        text=True,
        timeout=280 * SLOW,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert not done.stderr, done.stderr
    holders = set(re.findall(r"instrument:\w+ \| (\w+)", done.stdout))
    assert len(holders) > 1, done.stdout
    dead, new = re.search(r"kill -9 (\w+), which leads\n(\w+) leads", done.stdout).groups()
    assert re.search(rf"^ {dead} +\| {new} ", done.stdout, re.M), done.stdout
    answers = re.findall(r"-> \w+: (\d+)$", done.stdout, re.M)
    assert len(answers) == 18 and set(answers) == {"202"}, answers
    assert "the chain holds" in done.stdout, done.stdout


if __name__ == "__main__":
    main()
