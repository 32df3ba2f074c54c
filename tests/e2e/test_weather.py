"""A slice of the schedules that soak/test_adapters.py plays by the thousand."""
import os
import sys

from harness import ROOT, main

sys.path.insert(0, os.path.join(ROOT, "tests", "soak"))
from weather import Nse, Spot, Usdm  # noqa: E402


def play(kind, seed, protect):
    with kind(seed, protect) as world:
        for number in (1, 2):
            world.schedule(number)
        world.close_books()


def test_spot():
    play(Spot, 6, False)


def test_usdm():
    play(Usdm, 4, True)


def test_nse():
    play(Nse, 5, True)


if __name__ == "__main__":
    main(limit_s=150)
