/* The state of trading as rows: every struct that is kept, and one description of its columns.
 *
 * The description is the only place that knows how a row looks; SQL, JSON, events, comparison,
 * copying and the simulated store are all made from it. Column 0 is always the key (text). A row
 * with a `version` column is changed by compare-and-set: after.version == before.version + 1. Rows
 * without one are written once. Decimals that are absent are decimal_bad() in memory and NULL in a
 * row. Times are microseconds UTC, 0: none. */
#ifndef TIDELOCK_TRADE_RECORD_H
#define TIDELOCK_TRADE_RECORD_H
#include "base/decimal.h"
#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define NAME_SIZE 48 /* strategy, instrument, source */
#define LABEL_SIZE 16
#define FINGERPRINT_SIZE 65
#define KEY_SIZE 136 /* the longest key: strategy|instrument, broker|trade id */
#define REASON_SIZE 200

enum side { SIDE_LONG, SIDE_SHORT };
enum signal_type { SIGNAL_BASE_ENTRY, SIGNAL_PYRAMID, SIGNAL_EXIT };
enum signal_state {
    SIGNAL_RECEIVED,   /* durable, not decided */
    SIGNAL_RETRYING,   /* failed for a passing reason; next_try_us says when */
    SIGNAL_WORKING,    /* decided; its orders are on their way */
    SIGNAL_DONE,       /* final from here on */
    SIGNAL_REJECTED,   /* a gate, a rail or sizing said no */
    SIGNAL_EXPIRED,    /* too old when its turn came */
    SIGNAL_SUPERSEDED, /* an EXIT arrived first */
    SIGNAL_IGNORED,    /* an EXIT of nothing */
    SIGNAL_DEAD,       /* retries exhausted: waits for an operator (retry or drop) */
    SIGNAL_DROPPED,    /* an operator dropped it */
};
struct signal {
    char id[ID_SIZE];                   /* derived from the fingerprint: a repeat has the same id */
    char fingerprint[FINGERPRINT_SIZE]; /* v1, hex */
    char source[NAME_SIZE];
    char strategy[NAME_SIZE];
    char instrument[NAME_SIZE];
    enum signal_type type;
    char position[LABEL_SIZE]; /* Long_1 ... Long_6, Short_1 ...; ALL with EXIT */
    enum side side;
    struct decimal price, stop, atr, quantity; /* each may be absent */
    int64_t at_us;                             /* the sender's timestamp */
    int64_t received_us;                       /* ours */
    const char *extra;                         /* JSON object of further scalar fields, or NULL */
    enum signal_state state;
    char step[24]; /* reached step of trade_signal */
    char reason[REASON_SIZE];
    int64_t attempts;
    int64_t next_try_us;
    int64_t ended_us;
    int64_t version;
};

enum verdict { VERDICT_ACCEPT, VERDICT_REJECT, VERDICT_DEFER, VERDICT_FAILED };
/* Written once: at most one per signal. Its trace (JSON: facts, gates with inputs and verdicts,
 * sizing arithmetic) is the cause of the event signal.decided, and only there. */
struct decision {
    char signal_id[ID_SIZE];
    char strategy[NAME_SIZE];
    char instrument[NAME_SIZE];
    enum verdict verdict;
    char gate[NAME_SIZE]; /* the gate, rail or "size" that said no; "" when accepted */
    char reason[REASON_SIZE];
    struct decimal quantity;
    char policy_version[32];
    char policy_hash[FINGERPRINT_SIZE];
    int64_t at_us;
    int64_t took_us;
};

enum order_side { ORDER_BUY, ORDER_SELL };
enum order_kind { ORDER_MARKET, ORDER_LIMIT, ORDER_STOP };
enum order_tif { TIF_DAY, TIF_GTC, TIF_IOC };
enum order_state {
    ORDER_INTENDED,
    ORDER_SENDING,
    ORDER_SENT,
    ORDER_ACKNOWLEDGED,
    ORDER_PARTIALLY_FILLED,
    ORDER_UNKNOWN, /* the outcome is not known; ends only by evidence */
    ORDER_FILLED,
    ORDER_CANCELLED,
    ORDER_REJECTED,
    ORDER_EXPIRED, /* final */
};
struct order {
    char id[ID_SIZE]; /* the client order id: derived from fingerprint and leg, 20 characters */
    char signal_id[ID_SIZE];
    char leg[LABEL_SIZE]; /* the position layer it opens or closes: Long_1 ... */
    char strategy[NAME_SIZE];
    char instrument[NAME_SIZE];
    char position_id[KEY_SIZE]; /* the position row it opens, adds to or closes */
    char broker[16];
    enum order_side side;
    enum order_kind kind;
    enum order_tif tif;
    bool reduces;    /* lowers exposure: never blocked by entry rules */
    bool protective; /* a stop that stays through shutdown and failover */
    struct decimal quantity, limit_price, stop_price;
    struct decimal reference_price; /* the price the decision was made at */
    enum order_state state;
    char broker_id[NAME_SIZE];
    struct decimal filled, average_price, fees;
    int64_t attempt; /* rights to send that were used */
    int64_t term;    /* under which the right was committed */
    int64_t signed_us, valid_until_us;
    char reason[REASON_SIZE];
    int64_t created_us, updated_us;
    int64_t version;
    char expiry[12]; /* of the dated contract, YYYY-MM-DD; "": the instrument has none */
};

struct fill {          /* written once; applied once */
    char id[KEY_SIZE]; /* broker|trade id */
    char order_id[ID_SIZE];
    char strategy[NAME_SIZE];
    char instrument[NAME_SIZE];
    enum order_side side;
    struct decimal quantity, price, fee;
    int64_t at_us;
};

enum position_status {
    POSITION_OPEN,
    POSITION_CLOSING,
    POSITION_PARTIAL /* part of it is closed */,
    POSITION_CLOSED
};
enum rollover_status {
    ROLLOVER_NONE,
    ROLLOVER_PENDING,
    ROLLOVER_IN_PROGRESS,
    ROLLOVER_ROLLED,
    ROLLOVER_FAILED
};
struct position {      /* one layer: a base entry or one pyramid */
    char id[KEY_SIZE]; /* the entry order's id */
    char strategy[NAME_SIZE];
    char instrument[NAME_SIZE];
    char label[LABEL_SIZE];
    enum side side;
    bool is_base_position;
    enum position_status status;
    struct decimal quantity; /* open now, in lots */
    struct decimal opened_quantity;
    struct decimal entry_price;        /* average */
    struct decimal exit_price;         /* average of what is closed; absent before */
    struct decimal initial_stop, stop; /* absent: none */
    struct decimal atr;                /* at entry, as the signal said */
    struct decimal realised, fees;
    char entry_signal_id[ID_SIZE];
    char exit_signal_id[ID_SIZE];
    enum rollover_status rollover;
    char expiry[12]; /* YYYY-MM-DD or "" */
    int64_t opened_us, closed_us;
    int64_t version;
};

struct pyramid {                     /* pyramiding state of one strategy on one instrument */
    char id[KEY_SIZE];               /* strategy|instrument */
    char base_position_id[KEY_SIZE]; /* "" once the base is closed */
    int64_t layers;                  /* open layers, base included */
    int64_t pyramids;                /* pyramids added since the base */
    struct decimal quantity;         /* open, all layers */
    struct decimal last_entry_price;
    struct decimal base_entry_price, base_stop, base_quantity;
    int64_t version;
};

struct account {
    char id[16]; /* "main" */
    char currency[8];
    struct decimal deposits, realised, fees;
    struct decimal equity; /* deposits + realised - fees */
    struct decimal high_water;
    struct decimal day_start_equity;
    int64_t day_us;  /* start of the trading day day_start_equity belongs to */
    int64_t entries; /* ledger rows so far */
    int64_t version;
};

enum ledger_kind { LEDGER_DEPOSIT, LEDGER_WITHDRAWAL, LEDGER_REALISED, LEDGER_FEE, LEDGER_ADJUST };
struct ledger {        /* written once */
    char id[KEY_SIZE]; /* account|running number, 12 digits */
    enum ledger_kind kind;
    struct decimal amount;    /* signed effect on equity */
    struct decimal equity;    /* after */
    char reference[KEY_SIZE]; /* fill id, or what a person wrote */
    int64_t at_us;
};

struct stat {          /* per strategy and instrument; rebuildable exactly from events */
    char id[KEY_SIZE]; /* strategy|instrument */
    int64_t signals, accepted, rejected, expired, superseded, ignored, dead;
    int64_t orders, fills, wins, losses;
    struct decimal realised, fees, volume; /* volume: lots */
    int64_t version;
};

enum halt_level { HALT_NONE, HALT_NO_ENTRY, HALT_REDUCE_ONLY, HALT_FLATTEN, HALT_FREEZE };
struct halt {
    char id[16]; /* "all" */
    enum halt_level level;
    char who[NAME_SIZE];
    char why[REASON_SIZE];
    int64_t at_us;
    int64_t version;
};

enum policy_status { POLICY_LIVE, POLICY_REPLACED, POLICY_REFUSED, POLICY_ROLLED_BACK };
struct policy_version {
    char id[KEY_SIZE]; /* strategy|hash */
    char strategy[NAME_SIZE];
    char version[32];
    char hash[FINGERPRINT_SIZE];
    enum policy_status status;
    char author[NAME_SIZE];
    char reason[REASON_SIZE];
    int64_t at_us;
    int64_t
        row_version; /* compare-and-set; column "row_version", since "version" is the author's */
};

struct strategy_state {
    char id[KEY_SIZE]; /* strategy|instrument */
    char policy_version[32];
    const char *state; /* JSON of plain values */
    int64_t version;
};

/* An instance from its start to its end: one row for each start. Its term is the fencing number of
 * everything it writes, and larger than that of every instance that began before. */
enum member_state { MEMBER_ALIVE, MEMBER_LEFT, MEMBER_DEAD };
struct member {
    char id[24]; /* the term in decimal digits: no two instances can have one term */
    char name[NAME_SIZE];
    int64_t term;
    enum member_state state;
    char address[96]; /* where its doors are; empty: nowhere */
    char build[32];   /* version of the program */
    int64_t joined_us, ended_us;
    char reason[REASON_SIZE]; /* why it ended, and who says so */
    int64_t version;
};

/* Who owns a key: "leader", "instrument:NIFTY". Free when the term is 0 or no living member has it;
 * nothing is kept here of how long: that is told by the beats of its owner. */
struct lease_row {
    char id[112]; /* the key */
    int64_t term;
    char holder[NAME_SIZE];
    int64_t since_us;
    int64_t version;
};

/* One change of leadership, once the new leader has done its first useful thing. */
struct failover {
    char id[24];                            /* the new leader's term */
    char lost[NAME_SIZE], found[NAME_SIZE]; /* who led before, who does now */
    int64_t lost_term, found_term;
    int64_t lost_us, noticed_us, trading_us; /* last sign of life; taken for dead; trading again */
    int64_t took_us;                         /* lost to trading */
    bool target_met;
    char reason[REASON_SIZE];
};

/* ---- the description ---- */
enum column_type {
    COLUMN_TEXT,    /* char field[size] */
    COLUMN_LONG,    /* const char *, NULL allowed; owned by the row's owner */
    COLUMN_INT,     /* int64_t */
    COLUMN_TIME,    /* int64_t microseconds UTC */
    COLUMN_BOOL,    /* bool */
    COLUMN_DECIMAL, /* struct decimal, bad: NULL */
    COLUMN_ENUM,    /* int-sized enum, stored and shown by name */
};
struct column {
    const char *name;
    enum column_type type;
    size_t offset, size;
    const char *const *names; /* enum: NULL-terminated */
    const char *quoted; /* the name as a JSON member: "name": with its length, so that events copy
                           it whole */
    size_t quoted_length;
};
enum table_id {
    TABLE_SIGNAL,
    TABLE_DECISION,
    TABLE_ORDER,
    TABLE_FILL,
    TABLE_POSITION,
    TABLE_PYRAMID,
    TABLE_ACCOUNT,
    TABLE_LEDGER,
    TABLE_STAT,
    TABLE_HALT,
    TABLE_POLICY,
    TABLE_STATE,
    TABLE_MEMBER,
    TABLE_LEASE,
    TABLE_FAILOVER,
    TABLE_COUNT
};
struct table {
    enum table_id id;
    const char *name; /* as in SQL: signals, decisions, orders, fills, positions, pyramiding_state,
                         accounts, ledger, statistics, halts, policies, strategy_state,
                         instances, leases, failovers */
    const struct column *columns;
    size_t column_count;
    size_t row_size;
    int version_column; /* index, or -1: written once */
    const struct column *long_column; /* the only LONG: such a row owns memory beyond itself */
};
extern const struct table tables[TABLE_COUNT];
const struct table *table_find(const char *name);
const struct column *column_find(const struct table *table, const char *name, size_t *index);

const char *row_key(const struct table *table, const void *row);
int64_t row_version(const struct table *table, const void *row); /* 0 for written-once tables */
void row_init(const struct table *table, void *row);             /* zero, decimals absent */
void row_copy(const struct table *table, void *to, const void *from,
              struct arena *arena); /* LONG columns into the arena */
bool row_equal(const struct table *table, const void *a, const void *b,
               size_t *first_difference /* column, may be NULL */);
/* JSON object of the columns that differ from `before` (NULL: of all that are not empty). Decimals
 * are strings, times ISO 8601. */
void row_json_changes(const struct table *table, const void *before, const void *after,
                      struct str *out);
/* As row_json_changes without the key, which an event tells once. */
void row_json_set(const struct table *table, const void *before, const void *after,
                  struct str *out);
void row_json(const struct table *table, const void *row,
              struct str *out); /* all columns; absent: null */
/* Sets the columns named in a JSON object (the inverse of row_json_changes); LONG columns into the
 * arena. */
bool row_from_json(const struct table *table, void *row, const struct json *object,
                   struct arena *arena, struct err *err) MUST_CHECK;
void column_print(const struct column *column, const void *row,
                  struct str *out); /* plain text; absent: nothing */
bool column_parse(const struct column *column, void *row, const char *text /* NULL: absent */,
                  struct arena *arena, struct err *err) MUST_CHECK;

extern const char *const side_names[],
    *const signal_type_names[],
        *const signal_state_names[],
            *const verdict_names[], *const order_side_names[],
                                        *const order_kind_names[],
                                            *const order_tif_names[],
                                                *const order_state_names[],
                                                    *const position_status_names[],
                                                        *const rollover_status_names[],
                                                            *const ledger_kind_names[],
                                                                *const halt_level_names[],
                                                                    *const policy_status_names[],
                                                                        *const member_state_names[];
bool enum_parse(const char *const *names, const char *text, int *out); /* case-insensitive */
#endif
