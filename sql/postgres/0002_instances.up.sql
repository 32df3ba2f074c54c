-- Who is there, who owns what, who led when. From here on an instance's term is the key of its row
-- in `instances`; `meta.term` stays as the last term begun before these rows existed.
CREATE TABLE instances (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    term bigint NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('alive', 'left', 'dead')),
    address text COLLATE "C" NOT NULL,
    build text COLLATE "C" NOT NULL,
    joined_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX instances_alive ON instances (term) WHERE state = 'alive';

CREATE TABLE leases (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    term bigint NOT NULL,
    holder text COLLATE "C" NOT NULL,
    since bigint NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE failovers (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    lost text COLLATE "C" NOT NULL,
    found text COLLATE "C" NOT NULL,
    lost_term bigint NOT NULL,
    found_term bigint NOT NULL,
    lost_at bigint NOT NULL,
    noticed_at bigint NOT NULL,
    trading_at bigint NOT NULL,
    took_us bigint NOT NULL,
    target_met boolean NOT NULL,
    reason text COLLATE "C" NOT NULL
);

-- Signs of life, outside the log and not worth a disk's while: after a crash of the server they
-- begin anew. `pid` and `since` name the session that gave the last one.
CREATE UNLOGGED TABLE beats (
    term bigint NOT NULL PRIMARY KEY,
    beat bigint NOT NULL,
    pid integer NOT NULL,
    since timestamptz
) WITH (fillfactor = 10);
