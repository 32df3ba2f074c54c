"""What can be traded here: the names of the captured messages, and this season's contracts."""
import calendar
from datetime import date, timedelta

from openalgo.books import Instrument


def last_weekday(year, month, weekday):
    day = date(year, month, calendar.monthrange(year, month)[1])
    return day - timedelta((day.weekday() - weekday) % 7)


def season(today, months=3):
    """The (year, month) of the next contracts, the nearest first."""
    year, month = today.year, today.month
    while months:
        expiry = last_weekday(year, month, 1)
        if expiry >= today:
            months -= 1
            yield expiry
        year, month = year + month // 12, month % 12 + 1


def future(exchange, base, expiry, price, lot, tick):
    symbol = base + expiry.strftime("%d%b%y").upper() + "FUT"
    text = expiry.strftime("%d-%b-%y").upper()
    return Instrument(exchange, symbol, price, lot, tick, text, "FUT", base)


def listed(today):
    rows = [
        Instrument("NSE", "SBIN", 800),
        Instrument("NSE", "YESBANK", 20),
        Instrument("NSE", "RELIANCE", 1400),
        Instrument("NSE_INDEX", "BANKNIFTY", 59000, kind="INDEX"),
        future("NFO", "BANKNIFTY", date(2025, 12, 30), 59000, 35, "0.05"),
    ]
    for nth, expiry in enumerate(season(today)):
        rows.append(future("NFO", "BANKNIFTY", expiry, 59000 + 200 * nth, 35, "0.05"))
        rows.append(future("NFO", "NIFTY", expiry, 25000 + 80 * nth, 75, "0.05"))
        rows.append(future("MCX", "GOLDM", expiry, 90000 + 500 * nth, 10, "1"))
        rows.append(future("MCX", "CRUDEOILM", expiry, 5500 + 30 * nth, 10, "1"))
    for number, row in enumerate(rows, 1):
        row.number = number
    return {row.name: row for row in rows}
