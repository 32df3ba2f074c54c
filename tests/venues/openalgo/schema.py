"""What a request body must look like, and the complaints about it, word for word.

Order endpoints give the complaints as the text of a Python dict, the others as an object; that is
the server's habit and a trap for clients, so it is kept.
"""
from decimal import Decimal, InvalidOperation

EXCHANGES = (
    "NSE NFO CDS BSE BFO BCD MCX NCDEX NCO NSE_INDEX BSE_INDEX MCX_INDEX GLOBAL_INDEX CRYPTO"
).split()
PRODUCTS = ["MIS", "NRML", "CNC"]
KINDS = ["MARKET", "LIMIT", "SL", "SL-M"]
INTERVALS = "1s 5s 10s 15s 30s 45s 1m 2m 3m 5m 10m 15m 20m 30m 1h 2h 3h 4h D W M Q Y".split()


class Complaint(Exception):
    """One field's fault."""


def one_of(choices):
    def check(value):
        if value not in choices:
            raise Complaint(f"Must be one of: {', '.join(choices)}.")
        return value

    return check


def text(value):
    if not isinstance(value, str):
        raise Complaint("Not a valid string.")
    return value


def key(value):
    if not 1 <= len(text(value)) <= 256:
        raise Complaint("Length must be between 1 and 256.")
    return value


def boolean(value):
    if value not in (True, False, "true", "false", 1, 0):
        raise Complaint("Not a valid boolean.")
    return value in (True, "true", 1)


def decimal(value):
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise InvalidOperation
        number = Decimal(str(value))
        if not number.is_finite():
            raise InvalidOperation
        return number
    except InvalidOperation:
        raise Complaint("Not a valid number.") from None


def at_least(name, lowest):
    words = "positive" if lowest else "non-negative"

    def check(value):
        number = decimal(value)
        if number < 0 or (lowest and number == 0):
            raise Complaint(f"{name} must be a {words} number.")
        return number

    return check


def integer(value):
    number = decimal(value)
    if number != int(number):
        raise Complaint("Not a valid integer.")
    return int(number)


def rows(value):
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Complaint("Not a valid list.")
    return value


def anything(value):
    return value


NEEDED = object()
PRICE = at_least("Price", 0)
TRIGGER = at_least("Trigger price", 0)
DISCLOSED = at_least("Disclosed quantity", 0)
ACTION = one_of(["BUY", "SELL", "buy", "sell"])
ORDER = {
    "action": (ACTION, NEEDED),
    "strategy": (text, NEEDED),
    "exchange": (one_of(EXCHANGES), NEEDED),
    "symbol": (text, NEEDED),
    "quantity": (at_least("Quantity", 1), NEEDED),
    "pricetype": (one_of(KINDS), "MARKET"),
    "product": (one_of(PRODUCTS), "MIS"),
    "price": (PRICE, Decimal(0)),
    "trigger_price": (TRIGGER, Decimal(0)),
    "disclosed_quantity": (DISCLOSED, Decimal(0)),
    "underlying_ltp": (anything, None),
}
LEG = {name: field for name, field in ORDER.items() if name != "strategy"}
WHERE = {"symbol": (text, NEEDED), "exchange": (one_of(EXCHANGES), NEEDED)}
LABEL = {"strategy": (text, NEEDED)}
SCHEMAS = {
    "placeorder": ORDER,
    "placesmartorder": dict(
        ORDER, quantity=(at_least("Quantity", 0), NEEDED), position_size=(decimal, NEEDED)
    ),
    "modifyorder": {
        "strategy": (text, NEEDED),
        "exchange": (one_of(EXCHANGES), NEEDED),
        "symbol": (text, NEEDED),
        "orderid": (text, NEEDED),
        "action": (ACTION, NEEDED),
        "product": (one_of(PRODUCTS), NEEDED),
        "pricetype": (one_of(KINDS), NEEDED),
        "price": (PRICE, NEEDED),
        "quantity": (at_least("Quantity", 1), NEEDED),
        "disclosed_quantity": (DISCLOSED, NEEDED),
        "trigger_price": (TRIGGER, NEEDED),
    },
    "cancelorder": dict(LABEL, orderid=(text, NEEDED)),
    "cancelallorder": LABEL,
    "closeposition": LABEL,
    "orderstatus": dict(LABEL, orderid=(text, NEEDED)),
    "openposition": dict(LABEL, **WHERE, product=(one_of(PRODUCTS), NEEDED)),
    "basketorder": dict(LABEL, orders=(rows, NEEDED)),
    "splitorder": dict(ORDER, splitsize=(integer, NEEDED)),
    "quotes": WHERE,
    "depth": WHERE,
    "multiquotes": {"symbols": (rows, NEEDED)},
    "history": dict(
        WHERE,
        interval=(one_of(INTERVALS), NEEDED),
        start_date=(text, NEEDED),
        end_date=(text, NEEDED),
        source=(one_of(["api", "db"]), "api"),
    ),
    "symbol": WHERE,
    "search": {"query": (text, NEEDED), "exchange": (text, None)},
    "expiry": dict(WHERE, instrumenttype=(one_of(["futures", "options"]), NEEDED)),
    "analyzer/toggle": {"mode": (boolean, NEEDED)},
}
BARE = "ping orderbook tradebook positionbook holdings funds intervals analyzer".split()
SCHEMAS.update({name: {} for name in BARE})
AS_TEXT = set(
    "placeorder placesmartorder modifyorder cancelorder cancelallorder closeposition orderstatus "
    "openposition basketorder splitorder".split()
)


def check(fields, body):
    """The body with its types and defaults, and the complaints {field: [sentence]}."""
    values, complaints = {}, {}
    for name, (read, default) in fields.items():
        if name not in body:
            if default is NEEDED:
                complaints[name] = ["Missing data for required field."]
            values[name] = default
        elif body[name] is None and name != "underlying_ltp":
            complaints[name] = ["Field may not be null."]
        else:
            try:
                values[name] = read(body[name])
            except Complaint as complaint:
                complaints[name] = [str(complaint)]
    for name in body:
        if name not in fields:
            complaints[name] = ["Unknown field."]
    if not complaints and "quantity" in fields and values["exchange"] != "CRYPTO":
        quantity = values["quantity"]
        if quantity != int(quantity):
            sentence = f"Fractional quantity ({quantity}) is not allowed for non-crypto exchanges."
            complaints["quantity"] = [sentence]
    return values, complaints


def read_body(name, body):
    fields = dict(SCHEMAS[name], apikey=(key, NEEDED))
    return check(fields, body)
