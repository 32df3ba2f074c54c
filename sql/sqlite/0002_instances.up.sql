-- Who is there, who owns what, who led when. From here on an instance's term is the key of its row
-- in `instances`; `meta.term` stays as the last term begun before these rows existed.
CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    term INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state = 'alive' OR state = 'left' OR state = 'dead'),
    address TEXT NOT NULL,
    build TEXT NOT NULL,
    joined_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX instances_alive ON instances (term) WHERE state = 'alive';

CREATE TABLE leases (
    id TEXT NOT NULL PRIMARY KEY,
    term INTEGER NOT NULL,
    holder TEXT NOT NULL,
    since INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE failovers (
    id TEXT NOT NULL PRIMARY KEY,
    lost TEXT NOT NULL,
    found TEXT NOT NULL,
    lost_term INTEGER NOT NULL,
    found_term INTEGER NOT NULL,
    lost_at INTEGER NOT NULL,
    noticed_at INTEGER NOT NULL,
    trading_at INTEGER NOT NULL,
    took_us INTEGER NOT NULL,
    target_met INTEGER NOT NULL CHECK (target_met = 0 OR target_met = 1),
    reason TEXT NOT NULL
) STRICT;
