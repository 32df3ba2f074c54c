"""The simulated OpenAlgo server as a process: python3 tests/venues/openalgo --seed 1

Prints one JSON line with its pid and ports (REST `port`, WebSocket `ws`, judge `control`).
"""
import argparse
import asyncio
import os
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")

from judge import run  # noqa: E402
from openalgo.desk import Desk  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ws-port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--tied", action="store_true", help="end when stdin is closed")
    parser.add_argument("--apikey", default="testapikey0123456789")
    parser.add_argument("--order-rate", type=int, default=10, help="a second; 0: no limit")
    parser.add_argument("--api-rate", type=int, default=50, help="a second; 0: no limit")
    parser.add_argument("--skew-ms", type=int, default=0)
    parser.add_argument("--tls", metavar="NAME", help="speak TLS as NAME.crt with NAME.key")
    options = parser.parse_args()
    desk = Desk(options)
    doors = {"port": (desk.server, options.port), "ws": (desk.feed.server, options.ws_port)}
    asyncio.run(run(desk, desk.judge, doors, options.control_port))


if __name__ == "__main__":
    main()
