#!/usr/bin/env python3
"""Sixty crash points of each story of tests/e2e/test_crash_brokers.py, and every stage at which one
of two hosts may die while it rolls."""
import os
import subprocess
import sys

E2E = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")


def run(name, **more):
    program = os.path.join(E2E, name)
    return subprocess.run([sys.executable, program], check=False, env={**os.environ, **more})


if __name__ == "__main__":
    codes = [
        run("test_crash_brokers.py", POINTS="60", LIMIT="3500").returncode,
        run("test_rollover_hosts.py", STAGES="all").returncode,
    ]
    sys.exit(max(codes))
