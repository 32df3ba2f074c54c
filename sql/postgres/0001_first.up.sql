-- The first schema: the same tables as SQLite's, in PostgreSQL's words. Columns stand in the order
-- of the description in src/trade/record_tables.c; a test compares them.
--
-- Decimals are numeric, written in their shortest form; absent ones NULL. Times are microseconds
-- UTC, 0: none. Keys compare byte by byte, whatever the database's language is.

-- What a cell may hold. Domains, not constraints of the tables: those are read anew from their text
-- by every statement, which costs more than the row does.
CREATE DOMAIN log_seq AS bigint CHECK (VALUE > 0);
CREATE DOMAIN log_hash AS bytea CHECK (length(VALUE) = 32);
CREATE DOMAIN only_one AS boolean CHECK (VALUE);
CREATE DOMAIN signal_type AS text COLLATE "C" CHECK (VALUE IN ('BASE_ENTRY', 'PYRAMID', 'EXIT'));
CREATE DOMAIN position_side AS text COLLATE "C" CHECK (VALUE IN ('LONG', 'SHORT'));
CREATE DOMAIN signal_state AS text COLLATE "C" CHECK (VALUE IN (
    'done', 'working', 'received', 'rejected', 'retrying', 'expired', 'superseded', 'ignored',
    'dead', 'dropped'));
CREATE DOMAIN verdict AS text COLLATE "C" CHECK (VALUE IN ('accept', 'reject', 'defer', 'failed'));
CREATE DOMAIN order_side AS text COLLATE "C" CHECK (VALUE IN ('BUY', 'SELL'));
CREATE DOMAIN order_kind AS text COLLATE "C" CHECK (VALUE IN ('MARKET', 'LIMIT', 'STOP'));
CREATE DOMAIN order_tif AS text COLLATE "C" CHECK (VALUE IN ('DAY', 'GTC', 'IOC'));
CREATE DOMAIN order_state AS text COLLATE "C" CHECK (VALUE IN (
    'filled', 'intended', 'sending', 'sent', 'acknowledged', 'partially_filled', 'unknown',
    'cancelled', 'rejected', 'expired'));
CREATE DOMAIN position_status AS text COLLATE "C" CHECK (VALUE IN (
    'open', 'closed', 'closing', 'partial'));
CREATE DOMAIN rollover_status AS text COLLATE "C" CHECK (VALUE IN (
    'none', 'pending', 'in_progress', 'rolled', 'failed'));
CREATE DOMAIN ledger_kind AS text COLLATE "C" CHECK (VALUE IN (
    'deposit', 'withdrawal', 'realised', 'fee', 'adjust'));
CREATE DOMAIN halt_level AS text COLLATE "C" CHECK (VALUE IN (
    'none', 'no_entry', 'reduce_only', 'flatten', 'freeze'));
CREATE DOMAIN policy_status AS text COLLATE "C" CHECK (VALUE IN (
    'live', 'replaced', 'refused', 'rolled_back'));

-- What is so once for the whole database.
CREATE TABLE meta (
    key text NOT NULL PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO meta VALUES ('term', '0');

-- Refuses what is not as it was expected to be, inside the statement that found it.
CREATE FUNCTION tl_expect(counted bigint, wanted bigint, what text, code text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF counted <> wanted THEN
        RAISE EXCEPTION '%: % of % are as expected', what, counted, wanted USING ERRCODE = code;
    END IF;
END $$;
CREATE FUNCTION tl_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: %', TG_ARGV[0], TG_ARGV[1] USING ERRCODE = 'TL003';
END $$;

-- The end of the log. Every commit takes this row first, so commits of all instances are serial;
-- `turns` grows with each and whenever a commit whose outcome is not known must be kept from
-- happening later.
CREATE TABLE log_head (
    one only_one NOT NULL PRIMARY KEY,
    seq bigint NOT NULL,
    hash log_hash NOT NULL,
    turns bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO log_head VALUES (true, 0, decode(repeat('00', 32), 'hex'), 0);

-- The log: every change of state, chained by hash. The tables below are its fold. By month of `at`;
-- that seq runs without a gap and is unique is the work of log_head.
CREATE TABLE events (
    seq log_seq NOT NULL,
    at bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    instance text COLLATE "C" NOT NULL,
    term bigint NOT NULL,
    body text NOT NULL,
    hash log_hash NOT NULL,
    PRIMARY KEY (seq, at)
) PARTITION BY RANGE (at);
-- An event is mostly larger than what PostgreSQL begins to compress at, and doing so costs more
-- than all else of its row: only those that would not fit a page are.
CREATE TABLE events_other PARTITION OF events DEFAULT WITH (toast_tuple_target = 8160);
CREATE INDEX events_by_subject ON events (subject, seq);

-- Which fingerprints have been seen, for good: an index over months could not be unique without the
-- date. The id is derived from the fingerprint.
CREATE TABLE fingerprints (
    fingerprint text COLLATE "C" NOT NULL PRIMARY KEY,
    signal_id text COLLATE "C" NOT NULL,
    received_at bigint NOT NULL
);

-- What came in, and how far it got. By month of arrival.
CREATE TABLE signals (
    id text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    strategy text COLLATE "C" NOT NULL,
    instrument text COLLATE "C" NOT NULL,
    type signal_type NOT NULL,
    position text COLLATE "C" NOT NULL,
    side position_side NOT NULL,
    price numeric,
    stop numeric,
    atr numeric,
    quantity numeric,
    at bigint NOT NULL,
    received_at bigint NOT NULL,
    extra text,
    state signal_state NOT NULL,
    step text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL,
    next_try_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
-- A signal is written twice, an order twice or three times. Where no index knows a column that
-- changes and the page has room, the second writing touches no index.
CREATE TABLE signals_other PARTITION OF signals DEFAULT WITH (fillfactor = 50);
CREATE INDEX signals_by_received ON signals (received_at);

-- What the policies said: at most one per signal, never changed.
CREATE TABLE decisions (
    signal_id text COLLATE "C" NOT NULL PRIMARY KEY,
    strategy text COLLATE "C" NOT NULL,
    instrument text COLLATE "C" NOT NULL,
    verdict verdict NOT NULL,
    gate text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    quantity numeric,
    policy_version text COLLATE "C" NOT NULL,
    policy_hash text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    took_us bigint NOT NULL
);
CREATE INDEX decisions_by_at ON decisions (at);

-- What we asked, or will ask, a broker to do. `id` is the client order id.
CREATE TABLE orders (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    signal_id text COLLATE "C" NOT NULL,
    leg text COLLATE "C" NOT NULL,
    strategy text COLLATE "C" NOT NULL,
    instrument text COLLATE "C" NOT NULL,
    position_id text COLLATE "C" NOT NULL,
    broker text COLLATE "C" NOT NULL,
    side order_side NOT NULL,
    kind order_kind NOT NULL,
    tif order_tif NOT NULL,
    reduces boolean NOT NULL,
    protective boolean NOT NULL,
    quantity numeric,
    limit_price numeric,
    stop_price numeric,
    reference_price numeric,
    state order_state NOT NULL,
    broker_id text COLLATE "C" NOT NULL,
    filled numeric,
    average_price numeric,
    fees numeric,
    attempt bigint NOT NULL,
    term bigint NOT NULL,
    signed_at bigint NOT NULL,
    valid_until bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX orders_by_signal ON orders (signal_id);

-- What a broker did. One row per trade, never changed: this key is why a fill is applied once.
CREATE TABLE fills (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    strategy text COLLATE "C" NOT NULL,
    instrument text COLLATE "C" NOT NULL,
    side order_side NOT NULL,
    quantity numeric,
    price numeric,
    fee numeric,
    at bigint NOT NULL
);
CREATE INDEX fills_by_order ON fills (order_id);

-- One layer each: a base entry or one pyramid. Closed ones stay.
CREATE TABLE positions (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    strategy text COLLATE "C" NOT NULL,
    instrument text COLLATE "C" NOT NULL,
    label text COLLATE "C" NOT NULL,
    side position_side NOT NULL,
    is_base_position boolean NOT NULL,
    status position_status NOT NULL,
    quantity numeric,
    opened_quantity numeric,
    entry_price numeric,
    exit_price numeric,
    initial_stop numeric,
    stop numeric,
    atr numeric,
    realised numeric,
    fees numeric,
    entry_signal_id text COLLATE "C" NOT NULL,
    exit_signal_id text COLLATE "C" NOT NULL,
    rollover rollover_status NOT NULL,
    expiry text COLLATE "C" NOT NULL,
    opened_at bigint NOT NULL,
    closed_at bigint NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX positions_by_opened ON positions (opened_at);
CREATE INDEX positions_by_instrument ON positions (instrument, opened_at);
CREATE INDEX positions_by_expiry ON positions (rollover, expiry) WHERE expiry > '';

-- Which signals, orders and positions may be alive: a row per table and commit that made any, with
-- their keys. Whoever added it takes it off when all of them have ended (by `mark`, the commit's
-- last event); what others left is taken out by tl_sweep, so the list is short however long the
-- tables grow.
CREATE TABLE live (
    tab text COLLATE "C" NOT NULL,
    ids text[] COLLATE "C" NOT NULL,
    ats bigint[] NOT NULL,
    mark bigint NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 500);
ALTER TABLE live ALTER ids SET STORAGE EXTERNAL, ALTER ats SET STORAGE EXTERNAL;
CREATE INDEX live_by_mark ON live (mark);

-- How many are alive. What has ended stays so, and whoever adds to the list adds the row in the
-- same transaction: whatever others write meanwhile, nothing alive is lost. Two at once are in
-- order: a row of the list is taken by one of them.
CREATE FUNCTION tl_sweep() RETURNS bigint
LANGUAGE sql SET enable_seqscan = off SET jit = off AS $$
    WITH taken AS (
        DELETE FROM live RETURNING tab, ids, ats
    ), named AS (
        SELECT tab, unnest(ids) AS id, unnest(ats) AS made_at FROM taken
    ), kept AS (
        SELECT * FROM named WHERE CASE tab
            WHEN 'signals' THEN (SELECT s.state FROM signals AS s WHERE s.id = named.id
                AND s.received_at = named.made_at) IN ('received', 'retrying', 'working', 'dead')
            WHEN 'positions' THEN (SELECT p.status FROM positions AS p WHERE p.id = named.id)
                IN ('open', 'closing', 'partial')
            ELSE (SELECT o.state FROM orders AS o WHERE o.id = named.id) IN ('intended',
                'sending', 'sent', 'acknowledged', 'partially_filled', 'unknown') END
    ), parts AS (
        SELECT *, row_number() OVER () / 256 AS part FROM kept
    ), again AS (
        INSERT INTO live SELECT tab, array_agg(id), array_agg(made_at), 0 FROM parts
        GROUP BY tab, part RETURNING cardinality(ids) AS count
    )
    SELECT coalesce(sum(count), 0)::bigint FROM again
$$;

-- One row per strategy and instrument.
CREATE TABLE pyramiding_state (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    base_position_id text COLLATE "C" NOT NULL,
    layers bigint NOT NULL,
    pyramids bigint NOT NULL,
    quantity numeric,
    last_entry_price numeric,
    base_entry_price numeric,
    base_stop numeric,
    base_quantity numeric,
    version bigint NOT NULL
) WITH (fillfactor = 50);

-- Equity as the ledger makes it.
CREATE TABLE accounts (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    currency text COLLATE "C" NOT NULL,
    deposits numeric,
    realised numeric,
    fees numeric,
    equity numeric,
    high_water numeric,
    day_start_equity numeric,
    day_start bigint NOT NULL,
    entries bigint NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 20);

-- Every movement of equity, never changed. Keys run: account|000000000001, ...
CREATE TABLE ledger (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    kind ledger_kind NOT NULL,
    amount numeric,
    equity numeric,
    reference text COLLATE "C" NOT NULL,
    at bigint NOT NULL
);

-- Per strategy and instrument; saved by `statistics.saved` events, rebuildable from the log.
CREATE TABLE statistics (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    signals bigint NOT NULL,
    accepted bigint NOT NULL,
    rejected bigint NOT NULL,
    expired bigint NOT NULL,
    superseded bigint NOT NULL,
    ignored bigint NOT NULL,
    dead bigint NOT NULL,
    orders bigint NOT NULL,
    fills bigint NOT NULL,
    wins bigint NOT NULL,
    losses bigint NOT NULL,
    realised numeric,
    fees numeric,
    volume numeric,
    version bigint NOT NULL
) WITH (fillfactor = 50);

-- One row, `all`: the level that holds for every instance.
CREATE TABLE halts (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    level halt_level NOT NULL,
    who text COLLATE "C" NOT NULL,
    why text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    version bigint NOT NULL
);

-- Which version of a policy was live when.
CREATE TABLE policies (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    strategy text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    status policy_status NOT NULL,
    author text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    row_version bigint NOT NULL
);

-- What a strategy keeps between its calls.
CREATE TABLE strategy_state (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    policy_version text COLLATE "C" NOT NULL,
    state text,
    version bigint NOT NULL
) WITH (fillfactor = 50);

-- Legal edges only: the same graph as signal_may_become and order_may_become; a test compares them.
-- In functions, as a trigger's own condition is read anew by every statement as well; after the
-- row, as a trigger before it locks it first, in the log too.
CREATE FUNCTION tl_signal_strays(before text, after text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN NOT (before = after OR CASE before
        WHEN 'received' THEN after IN ('retrying', 'working', 'done', 'rejected',
            'expired', 'superseded', 'ignored', 'dead', 'dropped')
        WHEN 'retrying' THEN after IN ('working', 'done', 'rejected', 'expired',
            'superseded', 'ignored', 'dead', 'dropped')
        WHEN 'working' THEN after IN ('retrying', 'done', 'rejected', 'expired', 'dead')
        WHEN 'dead' THEN after IN ('retrying', 'dropped')
        ELSE false END);
END $$;
CREATE TRIGGER signals_edge AFTER UPDATE OF state ON signals FOR EACH ROW
WHEN (tl_signal_strays(OLD.state, NEW.state))
EXECUTE FUNCTION tl_refuse('signals', 'this state may not follow the one before');
CREATE FUNCTION tl_order_strays(before text, after text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN NOT (before = after OR CASE before
        WHEN 'intended' THEN after IN ('sending', 'cancelled', 'rejected', 'expired')
        WHEN 'sending' THEN after IN ('intended', 'sent', 'acknowledged', 'partially_filled',
            'unknown', 'filled', 'cancelled', 'rejected', 'expired')
        WHEN 'sent' THEN after IN ('acknowledged', 'partially_filled', 'unknown',
            'filled', 'cancelled', 'rejected', 'expired')
        WHEN 'acknowledged' THEN after IN ('partially_filled', 'unknown', 'filled',
            'cancelled', 'rejected', 'expired')
        WHEN 'partially_filled' THEN after IN ('unknown', 'filled', 'cancelled', 'expired')
        WHEN 'unknown' THEN after IN ('sending', 'acknowledged', 'partially_filled',
            'filled', 'cancelled', 'rejected', 'expired')
        WHEN 'cancelled' THEN after IN ('filled')
        WHEN 'rejected' THEN after IN ('filled')
        WHEN 'expired' THEN after IN ('filled')
        ELSE false END);
END $$;
CREATE TRIGGER orders_edge AFTER UPDATE OF state ON orders FOR EACH ROW
WHEN (tl_order_strays(OLD.state, NEW.state))
EXECUTE FUNCTION tl_refuse('orders', 'this state may not follow the one before');

-- Written once: what happened stays as it was written.
CREATE TRIGGER events_once BEFORE UPDATE OR DELETE ON events FOR EACH ROW
    EXECUTE FUNCTION tl_refuse('events', 'rows are never changed');
CREATE TRIGGER events_kept BEFORE TRUNCATE ON events
    EXECUTE FUNCTION tl_refuse('events', 'rows are never deleted');
CREATE TRIGGER decisions_once BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW
    EXECUTE FUNCTION tl_refuse('decisions', 'rows are never changed');
CREATE TRIGGER decisions_kept BEFORE TRUNCATE ON decisions
    EXECUTE FUNCTION tl_refuse('decisions', 'rows are never deleted');
CREATE TRIGGER fills_once BEFORE UPDATE OR DELETE ON fills FOR EACH ROW
    EXECUTE FUNCTION tl_refuse('fills', 'rows are never changed');
CREATE TRIGGER fills_kept BEFORE TRUNCATE ON fills
    EXECUTE FUNCTION tl_refuse('fills', 'rows are never deleted');
CREATE TRIGGER ledger_once BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW
    EXECUTE FUNCTION tl_refuse('ledger', 'rows are never changed');
CREATE TRIGGER ledger_kept BEFORE TRUNCATE ON ledger
    EXECUTE FUNCTION tl_refuse('ledger', 'rows are never deleted');

-- Keeps the months: makes those of now and `ahead` further ones, and with keep > 0 drops those that
-- ended more than `keep` months ago. A month whose rows stand in the table for all others already
-- is left there. The number of tables made and dropped.
CREATE FUNCTION tl_partitions(ahead integer, keep integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    month timestamptz;
    low bigint;
    high bigint;
    part record;
    rows_there boolean;
    done bigint := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7811887612);
    FOR part IN SELECT * FROM (VALUES ('events', 'at', 'toast_tuple_target = 8160'),
        ('signals', 'received_at', 'fillfactor = 50')) AS p (tab, col, how)
    LOOP
        FOR n IN 0 .. ahead LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
                + make_interval(months => n);
            low := extract(epoch FROM month)::bigint * 1000000;
            high := extract(epoch FROM (month AT TIME ZONE 'UTC' + interval '1 month')
                AT TIME ZONE 'UTC')::bigint * 1000000;
            CONTINUE WHEN to_regclass(part.tab || to_char(month AT TIME ZONE 'UTC', '_YYYY_MM'))
                IS NOT NULL;
            EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I >= %s AND %I < %s)',
                part.tab || '_other', part.col, low, part.col, high) INTO rows_there;
            CONTINUE WHEN rows_there;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s) '
                'WITH (%s)', part.tab || to_char(month AT TIME ZONE 'UTC', '_YYYY_MM'),
                part.tab, low, high, part.how);
            done := done + 1;
        END LOOP;
    END LOOP;
    IF keep > 0 THEN
        FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent IN ('events'::regclass, 'signals'::regclass)
            AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
            AND right(c.relname, 7) < to_char((now() AT TIME ZONE 'UTC')
                - make_interval(months => keep), 'YYYY_MM')
        LOOP
            EXECUTE format('DROP TABLE %I', part.relname);
            done := done + 1;
        END LOOP;
    END IF;
    RETURN done;
END $$;
SELECT tl_partitions(2, 0);
