"""The simulated exchange as a process: python3 tests/venues/binance --market spot --seed 1

Prints one JSON line with its pid and ports once it listens; ends by SIGTERM, or with --tied when
whoever started it closes its stdin.
"""
import argparse
import asyncio
import os
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")

from binance.futures import Futures  # noqa: E402
from binance.signing import Key, public_from_pem  # noqa: E402
from binance.spot import Spot  # noqa: E402
from binance.symbols import futures_symbols, spot_symbols  # noqa: E402
from judge import run  # noqa: E402
from past import Past  # noqa: E402


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--market", choices=("spot", "usdm"), default="spot")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--tied", action="store_true", help="end when stdin is closed")
    parser.add_argument("--hmac", action="append", default=[], metavar="KEY=SECRET")
    parser.add_argument("--ed25519", action="append", default=[], metavar="KEY=PUBLIC.pem")
    parser.add_argument("--bars", action="append", default=[], metavar="SYMBOL=FILE.csv")
    parser.add_argument("--greet", action="store_true", help="a first event at each SUBSCRIBE")
    parser.add_argument("--skew-ms", type=int, default=0)
    parser.add_argument("--tls", metavar="NAME", help="speak TLS as NAME.crt with NAME.key")
    parser.add_argument("--weight-limit", type=int, default=6000)
    parser.add_argument("--order-limit", type=int, default=100)
    return parser.parse_args()


def read_keys(options):
    keys = {}
    for text in options.hmac or ["testkey=testsecret"]:
        name, _, secret = text.partition("=")
        keys[name] = Key(name, "hmac", secret)
    for text in options.ed25519:
        name, _, path = text.partition("=")
        with open(path, encoding="ascii") as file:
            keys[name] = Key(name, "ed25519", public_from_pem(file.read()))
    return keys


def main():
    options = read_options()
    market, symbols = (
        (Spot, spot_symbols()) if options.market == "spot" else (Futures, futures_symbols())
    )
    files = dict(text.split("=", 1) for text in options.bars)
    pasts = {s.name: Past(options.seed, s, files.get(s.name)) for s in symbols}
    venue = market(options, symbols, pasts, read_keys(options))
    doors = {"port": (venue.server, options.port)}
    asyncio.run(run(venue, venue.judge, doors, options.control_port))


if __name__ == "__main__":
    main()
