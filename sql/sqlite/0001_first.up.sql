-- The first schema. Columns stand in the order of the description in src/trade/record_tables.c; a
-- test compares them.
--
-- Decimals are canonical text ("12.5", never a float), absent ones NULL. Times are INTEGER
-- microseconds UTC, 0: none. States are text, held to their names by CHECKs written as chains of
-- OR: an IN list would build a small index at every insert. Keys are text that sorts by time or
-- runs
-- (derived ids begin with their second), so that tables and indexes are written at their end.

-- What is so once for the whole database. `term` is the fencing number: it only grows.
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('term', '0');

-- The log: every change of state, chained by hash. The tables below are its fold.
CREATE TABLE events (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq > 0),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    instance TEXT NOT NULL,
    term INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
-- Subjects are random; held together by 1,024 events, an insert touches a page that is at hand
-- instead of any page of the index. A look-up asks each thousand once.
CREATE INDEX events_by_subject ON events (seq / 1024, subject);

-- What came in, and how far it got. `id` is derived from `fingerprint`, which is unique through it:
-- an
-- index of its own would be written at a random place by every signal and refuse nothing more.
CREATE TABLE signals (
    id TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    source TEXT NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type = 'BASE_ENTRY' OR type = 'PYRAMID' OR type = 'EXIT'),
    position TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side = 'LONG' OR side = 'SHORT'),
    price TEXT,
    stop TEXT,
    atr TEXT,
    quantity TEXT,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    extra TEXT,
    state TEXT NOT NULL
        CHECK (state = 'done' OR state = 'working' OR state = 'received' OR
               state = 'rejected' OR state = 'retrying' OR state = 'expired' OR
               state = 'superseded' OR state = 'ignored' OR state = 'dead' OR
               state = 'dropped'),
    step TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
-- Indexes of what is alive hold few rows however long the table grows. A query is given their
-- condition in these very words (src/store/rows.c), or SQLite would not see that they serve it.
CREATE INDEX signals_live ON signals (state, received_at)
    WHERE state = 'received' OR state = 'retrying' OR state = 'working' OR state = 'dead';
CREATE INDEX signals_by_received ON signals (received_at);

-- What the policies said: at most one per signal, never changed.
CREATE TABLE decisions (
    signal_id TEXT NOT NULL PRIMARY KEY,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    verdict TEXT NOT NULL
        CHECK (verdict = 'accept' OR verdict = 'reject' OR verdict = 'defer' OR
               verdict = 'failed'),
    gate TEXT NOT NULL,
    reason TEXT NOT NULL,
    quantity TEXT,
    policy_version TEXT NOT NULL,
    policy_hash TEXT NOT NULL,
    at INTEGER NOT NULL,
    took_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_by_at ON decisions (at);

-- What we asked, or will ask, a broker to do. `id` is the client order id.
CREATE TABLE orders (
    id TEXT NOT NULL PRIMARY KEY,
    signal_id TEXT NOT NULL,
    leg TEXT NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    position_id TEXT NOT NULL,
    broker TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side = 'BUY' OR side = 'SELL'),
    kind TEXT NOT NULL CHECK (kind = 'MARKET' OR kind = 'LIMIT' OR kind = 'STOP'),
    tif TEXT NOT NULL CHECK (tif = 'DAY' OR tif = 'GTC' OR tif = 'IOC'),
    reduces INTEGER NOT NULL CHECK (reduces = 0 OR reduces = 1),
    protective INTEGER NOT NULL CHECK (protective = 0 OR protective = 1),
    quantity TEXT,
    limit_price TEXT,
    stop_price TEXT,
    reference_price TEXT,
    state TEXT NOT NULL
        CHECK (state = 'filled' OR state = 'intended' OR state = 'sending' OR
               state = 'sent' OR state = 'acknowledged' OR state = 'partially_filled' OR
               state = 'unknown' OR state = 'cancelled' OR state = 'rejected' OR
               state = 'expired'),
    broker_id TEXT NOT NULL,
    filled TEXT,
    average_price TEXT,
    fees TEXT,
    attempt INTEGER NOT NULL,
    term INTEGER NOT NULL,
    signed_at INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_live ON orders (state, created_at)
    WHERE state = 'intended' OR state = 'sending' OR state = 'sent' OR state = 'acknowledged' OR
          state = 'partially_filled' OR state = 'unknown';
CREATE INDEX orders_by_signal ON orders (signal_id);

-- What a broker did. One row per trade, never changed: this key is why a fill is applied once.
CREATE TABLE fills (
    id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side = 'BUY' OR side = 'SELL'),
    quantity TEXT,
    price TEXT,
    fee TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX fills_by_order ON fills (order_id);

-- One layer each: a base entry or one pyramid. Closed ones stay.
CREATE TABLE positions (
    id TEXT NOT NULL PRIMARY KEY,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    label TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side = 'LONG' OR side = 'SHORT'),
    is_base_position INTEGER NOT NULL CHECK (is_base_position = 0 OR is_base_position = 1),
    status TEXT NOT NULL
        CHECK (status = 'open' OR status = 'closed' OR status = 'closing' OR
               status = 'partial'),
    quantity TEXT,
    opened_quantity TEXT,
    entry_price TEXT,
    exit_price TEXT,
    initial_stop TEXT,
    stop TEXT,
    atr TEXT,
    realised TEXT,
    fees TEXT,
    entry_signal_id TEXT NOT NULL,
    exit_signal_id TEXT NOT NULL,
    rollover TEXT NOT NULL
        CHECK (rollover = 'none' OR rollover = 'pending' OR rollover = 'in_progress' OR
               rollover = 'rolled' OR rollover = 'failed'),
    expiry TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX positions_live ON positions (status, opened_at)
    WHERE status = 'open' OR status = 'closing' OR status = 'partial';
CREATE INDEX positions_by_opened ON positions (opened_at);
CREATE INDEX positions_by_expiry ON positions (rollover, expiry) WHERE expiry > '';

-- One row per strategy and instrument.
CREATE TABLE pyramiding_state (
    id TEXT NOT NULL PRIMARY KEY,
    base_position_id TEXT NOT NULL,
    layers INTEGER NOT NULL,
    pyramids INTEGER NOT NULL,
    quantity TEXT,
    last_entry_price TEXT,
    base_entry_price TEXT,
    base_stop TEXT,
    base_quantity TEXT,
    version INTEGER NOT NULL
) STRICT;

-- Equity as the ledger makes it.
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    currency TEXT NOT NULL,
    deposits TEXT,
    realised TEXT,
    fees TEXT,
    equity TEXT,
    high_water TEXT,
    day_start_equity TEXT,
    day_start INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

-- Every movement of equity, never changed. Keys run: account|000000000001, ...
CREATE TABLE ledger (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL
        CHECK (kind = 'deposit' OR kind = 'withdrawal' OR kind = 'realised' OR
               kind = 'fee' OR kind = 'adjust'),
    amount TEXT,
    equity TEXT,
    reference TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Per strategy and instrument; saved by `statistics.saved` events, rebuildable from the log.
CREATE TABLE statistics (
    id TEXT NOT NULL PRIMARY KEY,
    signals INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    superseded INTEGER NOT NULL,
    ignored INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    orders INTEGER NOT NULL,
    fills INTEGER NOT NULL,
    wins INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    realised TEXT,
    fees TEXT,
    volume TEXT,
    version INTEGER NOT NULL
) STRICT;

-- One row, `all`: the level that holds for every instance.
CREATE TABLE halts (
    id TEXT NOT NULL PRIMARY KEY,
    level TEXT NOT NULL
        CHECK (level = 'none' OR level = 'no_entry' OR level = 'reduce_only' OR
               level = 'flatten' OR level = 'freeze'),
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

-- Which version of a policy was live when.
CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY,
    strategy TEXT NOT NULL,
    version TEXT NOT NULL,
    hash TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status = 'live' OR status = 'replaced' OR status = 'refused' OR
               status = 'rolled_back'),
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    row_version INTEGER NOT NULL
) STRICT;

-- What a strategy keeps between its calls.
CREATE TABLE strategy_state (
    id TEXT NOT NULL PRIMARY KEY,
    policy_version TEXT NOT NULL,
    state TEXT,
    version INTEGER NOT NULL
) STRICT;

-- Legal edges only: the same graph as signal_may_become and order_may_become; a test compares them.
-- FAIL, not ABORT: nothing of the row is written yet, and SQLite then needs no copy of the pages.
CREATE TRIGGER signals_edge BEFORE UPDATE OF state ON signals
WHEN NOT (OLD.state = NEW.state OR CASE OLD.state
    WHEN 'received' THEN
        NEW.state = 'retrying' OR NEW.state = 'working' OR NEW.state = 'done' OR
            NEW.state = 'rejected' OR NEW.state = 'expired' OR
            NEW.state = 'superseded' OR NEW.state = 'ignored' OR
            NEW.state = 'dead' OR NEW.state = 'dropped'
    WHEN 'retrying' THEN
        NEW.state = 'working' OR NEW.state = 'done' OR NEW.state = 'rejected' OR
            NEW.state = 'expired' OR NEW.state = 'superseded' OR
            NEW.state = 'ignored' OR NEW.state = 'dead' OR
            NEW.state = 'dropped'
    WHEN 'working' THEN
        NEW.state = 'retrying' OR NEW.state = 'done' OR NEW.state = 'rejected' OR
            NEW.state = 'expired' OR NEW.state = 'dead'
    WHEN 'dead' THEN
        NEW.state = 'retrying' OR NEW.state = 'dropped'
    ELSE 0 END)
BEGIN
    SELECT RAISE(FAIL, 'signals: this state may not follow the one before');
END;
CREATE TRIGGER orders_edge BEFORE UPDATE OF state ON orders
WHEN NOT (OLD.state = NEW.state OR CASE OLD.state
    WHEN 'intended' THEN
        NEW.state = 'sending' OR NEW.state = 'cancelled' OR
            NEW.state = 'rejected' OR NEW.state = 'expired'
    WHEN 'sending' THEN
        NEW.state = 'intended' OR NEW.state = 'sent' OR
            NEW.state = 'acknowledged' OR NEW.state = 'partially_filled' OR
            NEW.state = 'unknown' OR NEW.state = 'filled' OR
            NEW.state = 'cancelled' OR NEW.state = 'rejected' OR
            NEW.state = 'expired'
    WHEN 'sent' THEN
        NEW.state = 'acknowledged' OR NEW.state = 'partially_filled' OR
            NEW.state = 'unknown' OR NEW.state = 'filled' OR
            NEW.state = 'cancelled' OR NEW.state = 'rejected' OR
            NEW.state = 'expired'
    WHEN 'acknowledged' THEN
        NEW.state = 'partially_filled' OR NEW.state = 'unknown' OR
            NEW.state = 'filled' OR NEW.state = 'cancelled' OR
            NEW.state = 'rejected' OR NEW.state = 'expired'
    WHEN 'partially_filled' THEN
        NEW.state = 'unknown' OR NEW.state = 'filled' OR NEW.state = 'cancelled' OR
            NEW.state = 'expired'
    WHEN 'unknown' THEN
        NEW.state = 'sending' OR NEW.state = 'acknowledged' OR
            NEW.state = 'partially_filled' OR NEW.state = 'filled' OR
            NEW.state = 'cancelled' OR NEW.state = 'rejected' OR
            NEW.state = 'expired'
    WHEN 'cancelled' THEN
        NEW.state = 'filled'
    WHEN 'rejected' THEN
        NEW.state = 'filled'
    WHEN 'expired' THEN
        NEW.state = 'filled'
    ELSE 0 END)
BEGIN
    SELECT RAISE(FAIL, 'orders: this state may not follow the one before');
END;

-- Written once: what happened stays as it was written.
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events: rows are never changed');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events: rows are never deleted');
END;
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions: rows are never changed');
END;
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions: rows are never deleted');
END;
CREATE TRIGGER fills_no_update BEFORE UPDATE ON fills
BEGIN
    SELECT RAISE(ABORT, 'fills: rows are never changed');
END;
CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills
BEGIN
    SELECT RAISE(ABORT, 'fills: rows are never deleted');
END;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'ledger: rows are never changed');
END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'ledger: rows are never deleted');
END;
