"""The past of a price, the same in every run: klines from a seed, or from a file of bars."""
import csv
import hashlib
import math
from decimal import ROUND_DOWN, Decimal

MINUTE = 60_000
INTERVALS = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "8h": 480,
    "12h": 720,
    "1d": 1440,
    "3d": 4320,
    "1w": 10080,
}


def number(value, places=8):
    """As the exchange writes numbers: text with a fixed number of decimals."""
    return format(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_DOWN), "f")


class Past:
    """The prices before the venue was started, as a smooth but rugged function of time."""

    def __init__(self, seed, symbol, path=None):
        self.seed, self.symbol = seed, symbol
        self.rows = read_rows(path) if path else None
        self.lived = {}  # (opened_ms, minutes): bars that came to pass while the venue ran

    def draw(self, minute):
        text = f"{self.seed}/{self.symbol.name}/{minute}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big") / 2**48

    def price(self, minute):
        """The price at the start of this minute since 1970."""
        wave = sum(
            math.sin(2 * math.pi * (minute / length + self.draw(-length))) * height
            for length, height in ((43, 0.001), (301, 0.004), (1447, 0.012), (30011, 0.08))
        )
        exact = float(self.symbol.price) * (1 + wave + (self.draw(minute) - 0.5) * 0.001)
        return Decimal(repr(exact)).quantize(self.symbol.tick)

    def kline(self, opened_ms, minutes):
        if (opened_ms, minutes) in self.lived:
            return self.lived[opened_ms, minutes]
        if self.rows is not None:
            return self.rows.get((opened_ms, minutes))
        first = opened_ms // MINUTE
        points = sorted({first + minutes * part // 8 for part in range(9)})
        prices = [self.price(minute) for minute in points]
        volume = Decimal(repr(round((self.draw(first) + 0.1) * 10 * minutes, 3)))
        return prices[0], max(prices), min(prices), prices[-1], volume

    def klines(self, interval, start, end, limit, now):
        """Rows as the exchange gives them, oldest first; the last one may still be open."""
        minutes = INTERVALS[interval]
        width = minutes * MINUTE
        shift = 4 * 1440 * MINUTE if interval == "1w" else 0  # weeks begin on Mondays
        last = (min(end if end is not None else now, now) - shift) // width * width + shift
        if start is None:
            first = last - (limit - 1) * width
        else:
            first = -((shift - start) // width) * width + shift
        rows = []
        while first <= last and len(rows) < limit:
            bar = self.kline(first, minutes)
            if bar is not None:
                rows.append(row_of(first, width, bar))
            first += width
        return rows


def row_of(opened, width, bar):
    first, high, low, last, volume = bar
    return [
        opened,
        number(first),
        number(high),
        number(low),
        number(last),
        number(volume),
        opened + width - 1,
        number(volume * (first + last) / 2),
        max(1, int(volume * 10)),
        number(volume / 2),
        number(volume * (first + last) / 4),
        "0",
    ]


def read_rows(path):
    """Bars of a file open_time_ms,open,high,low,close,volume: served at the file's own interval."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row and row[0].isdigit()]
    width = int(rows[1][0]) - int(rows[0][0]) if len(rows) > 1 else MINUTE
    return {(int(row[0]), width // MINUTE): tuple(map(Decimal, row[1:6])) for row in rows}
