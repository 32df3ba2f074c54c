#!/usr/bin/env python3
"""Every crash point of tests/e2e/test_crash_points.py, instead of the choice of a test run."""
import os
import subprocess
import sys

if __name__ == "__main__":
    program = os.path.join(os.path.dirname(__file__), "..", "e2e", "test_crash_points.py")
    sys.exit(subprocess.run([sys.executable, program], check=False,
                            env={**os.environ, "POINTS": "1000", "LIMIT": "3500"}).returncode)
