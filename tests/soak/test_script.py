#!/usr/bin/env python3
"""Ten million calls of a policy with a reload every thousand: the same answers, and no growth."""
import os
import subprocess
import sys

CALLS = os.environ.get("CALLS", "10000000")

if __name__ == "__main__":
    build = os.environ.get("BUILD", "build")
    sys.exit(subprocess.run([f"{build}/tests/test_endure", CALLS], check=False).returncode)
