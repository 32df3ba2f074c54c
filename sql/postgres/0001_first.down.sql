-- Back to an empty database. Indexes and triggers go with their tables.
DROP TABLE strategy_state;
DROP TABLE policies;
DROP TABLE halts;
DROP TABLE statistics;
DROP TABLE ledger;
DROP TABLE accounts;
DROP TABLE pyramiding_state;
DROP TABLE positions;
DROP TABLE fills;
DROP TABLE live;
DROP TABLE orders;
DROP TABLE decisions;
DROP TABLE signals;
DROP TABLE fingerprints;
DROP TABLE events;
DROP TABLE log_head;
DROP TABLE meta;
DROP FUNCTION tl_signal_strays(text, text);
DROP FUNCTION tl_order_strays(text, text);
DROP FUNCTION tl_sweep();
DROP FUNCTION tl_partitions(integer, integer);
DROP FUNCTION tl_refuse();
DROP FUNCTION tl_expect(bigint, bigint, text, text);
DROP DOMAIN log_seq, log_hash, only_one,
    signal_type, position_side, signal_state, verdict, order_side,
    order_kind, order_tif, order_state, position_status, rollover_status,
    ledger_kind, halt_level, policy_status;
