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
DROP TABLE orders;
DROP TABLE decisions;
DROP TABLE signals;
DROP TABLE events;
DROP TABLE meta;
