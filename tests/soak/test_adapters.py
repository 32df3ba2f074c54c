#!/usr/bin/env python3
"""Random fault schedules for each adapter; see weather.py. A seed and a number say what happens:

    SCHEDULES=1000 SEED=1 tests/soak/test_adapters.py nse
    SCHEDULES=1 SEED=3 FIRST=17 tests/soak/test_adapters.py usdm     # that one alone
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from weather import Nse, NseByHand, Spot, Usdm, main  # noqa: E402

SCHEDULES, SEED = int(os.environ.get("SCHEDULES", "1000")), int(os.environ.get("SEED", "1"))
FIRST = int(os.environ.get("FIRST", "0"))
A_WORLD = 25  # schedules before everything begins anew


def play(kind, schedules=SCHEDULES, seed=SEED, first=FIRST):
    began = time.monotonic()
    for start in range(first, first + schedules, A_WORLD):
        with kind(seed + start // A_WORLD, protect=start // A_WORLD % 2 == 1) as world:
            for number in range(start, min(start + A_WORLD, first + schedules)):
                world.schedule(number)
            world.close_books()
        done = number + 1 - first
        print(
            f"    {kind.__name__}: {done} schedules, {time.monotonic() - began:.0f} s", flush=True
        )


def test_spot():
    play(Spot)


def test_usdm():
    play(Usdm)


def test_nse():
    play(Nse)


def test_nse_settled_by_hand():
    play(NseByHand, max(1, SCHEDULES // 10))


if __name__ == "__main__":
    main(limit_s=100000)
