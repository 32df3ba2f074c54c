/* What every kept row looks like: the one table of columns that SQL, JSON, events and comparison
 * are made from. */
#include "trade/record.h"

const char *const side_names[] = {"LONG", "SHORT", NULL};
const char *const signal_type_names[] = {"BASE_ENTRY", "PYRAMID", "EXIT", NULL};
const char *const signal_state_names[] = {"received", "retrying", "working",    "done",
                                          "rejected", "expired",  "superseded", "ignored",
                                          "dead",     "dropped",  NULL};
const char *const verdict_names[] = {"accept", "reject", "defer", "failed", NULL};
const char *const order_side_names[] = {"BUY", "SELL", NULL};
const char *const order_kind_names[] = {"MARKET", "LIMIT", "STOP", NULL};
const char *const order_tif_names[] = {"DAY", "GTC", "IOC", NULL};
const char *const order_state_names[] = {"intended",         "sending", "sent",   "acknowledged",
                                         "partially_filled", "unknown", "filled", "cancelled",
                                         "rejected",         "expired", NULL};
const char *const position_status_names[] = {"open", "closing", "partial", "closed", NULL};
const char *const rollover_status_names[] = {"none",   "pending", "in_progress",
                                             "rolled", "failed",  NULL};
const char *const ledger_kind_names[] = {"deposit", "withdrawal", "realised",
                                         "fee",     "adjust",     NULL};
const char *const halt_level_names[] = {"none",    "no_entry", "reduce_only",
                                        "flatten", "freeze",   NULL};
const char *const member_state_names[] = {"alive", "left", "dead", NULL};
const char *const policy_status_names[] = {"live", "replaced", "refused", "rolled_back", NULL};

#define COLUMN(kind, field, list)                                                                  \
    {                                                                                              \
        .name = #field, .type = (kind), .offset = offsetof(struct ROW, field),                     \
        .size = sizeof(((struct ROW *)0)->field), .names = (list),                                 \
        .quoted = "\"" #field "\":", .quoted_length = sizeof("\"" #field "\":") - 1                \
    }
#define TEXT(field) COLUMN(COLUMN_TEXT, field, NULL)
#define LONG(field) COLUMN(COLUMN_LONG, field, NULL)
#define INT(field) COLUMN(COLUMN_INT, field, NULL)
/* Times are microseconds in memory and ISO 8601 wherever they are shown, so their names differ. */
#define TIME(field, shown)                                                                         \
    {                                                                                              \
        .name = shown, .type = COLUMN_TIME, .offset = offsetof(struct ROW, field),                 \
        .size = sizeof(int64_t),                                                                   \
        .quoted = "\"" shown "\":", .quoted_length = sizeof("\"" shown "\":") - 1                  \
    }
#define BOOL(field) COLUMN(COLUMN_BOOL, field, NULL)
#define DECIMAL(field) COLUMN(COLUMN_DECIMAL, field, NULL)
#define ENUM(field, list) COLUMN(COLUMN_ENUM, field, list)

#define ROW signal
static const struct column signal_columns[] = {
    TEXT(id),
    TEXT(fingerprint),
    TEXT(source),
    TEXT(strategy),
    TEXT(instrument),
    ENUM(type, signal_type_names),
    TEXT(position),
    ENUM(side, side_names),
    DECIMAL(price),
    DECIMAL(stop),
    DECIMAL(atr),
    DECIMAL(quantity),
    TIME(at_us, "at"),
    TIME(received_us, "received_at"),
    LONG(extra),
    ENUM(state, signal_state_names),
    TEXT(step),
    TEXT(reason),
    INT(attempts),
    TIME(next_try_us, "next_try_at"),
    TIME(ended_us, "ended_at"),
    INT(version),
};
#undef ROW
#define ROW decision
static const struct column decision_columns[] = {
    TEXT(signal_id),   TEXT(strategy),    TEXT(instrument),  ENUM(verdict, verdict_names),
    TEXT(gate),        TEXT(reason),      DECIMAL(quantity), TEXT(policy_version),
    TEXT(policy_hash), TIME(at_us, "at"), INT(took_us),
};
#undef ROW
#define ROW order
static const struct column order_columns[] = {
    TEXT(id),
    TEXT(signal_id),
    TEXT(leg),
    TEXT(strategy),
    TEXT(instrument),
    TEXT(position_id),
    TEXT(broker),
    ENUM(side, order_side_names),
    ENUM(kind, order_kind_names),
    ENUM(tif, order_tif_names),
    BOOL(reduces),
    BOOL(protective),
    DECIMAL(quantity),
    DECIMAL(limit_price),
    DECIMAL(stop_price),
    DECIMAL(reference_price),
    ENUM(state, order_state_names),
    TEXT(broker_id),
    DECIMAL(filled),
    DECIMAL(average_price),
    DECIMAL(fees),
    INT(attempt),
    INT(term),
    TIME(signed_us, "signed_at"),
    TIME(valid_until_us, "valid_until"),
    TEXT(reason),
    TIME(created_us, "created_at"),
    TIME(updated_us, "updated_at"),
    INT(version),
    TEXT(expiry), /* came later, and columns stand as in the database */
};
#undef ROW
#define ROW fill
static const struct column fill_columns[] = {
    TEXT(id),
    TEXT(order_id),
    TEXT(strategy),
    TEXT(instrument),
    ENUM(side, order_side_names),
    DECIMAL(quantity),
    DECIMAL(price),
    DECIMAL(fee),
    TIME(at_us, "at"),
};
#undef ROW
#define ROW position
static const struct column position_columns[] = {
    TEXT(id),
    TEXT(strategy),
    TEXT(instrument),
    TEXT(label),
    ENUM(side, side_names),
    BOOL(is_base_position),
    ENUM(status, position_status_names),
    DECIMAL(quantity),
    DECIMAL(opened_quantity),
    DECIMAL(entry_price),
    DECIMAL(exit_price),
    DECIMAL(initial_stop),
    DECIMAL(stop),
    DECIMAL(atr),
    DECIMAL(realised),
    DECIMAL(fees),
    TEXT(entry_signal_id),
    TEXT(exit_signal_id),
    ENUM(rollover, rollover_status_names),
    TEXT(expiry),
    TIME(opened_us, "opened_at"),
    TIME(closed_us, "closed_at"),
    INT(version),
};
#undef ROW
#define ROW pyramid
static const struct column pyramid_columns[] = {
    TEXT(id),
    TEXT(base_position_id),
    INT(layers),
    INT(pyramids),
    DECIMAL(quantity),
    DECIMAL(last_entry_price),
    DECIMAL(base_entry_price),
    DECIMAL(base_stop),
    DECIMAL(base_quantity),
    INT(version),
};
#undef ROW
#define ROW account
static const struct column account_columns[] = {
    TEXT(id),
    TEXT(currency),
    DECIMAL(deposits),
    DECIMAL(realised),
    DECIMAL(fees),
    DECIMAL(equity),
    DECIMAL(high_water),
    DECIMAL(day_start_equity),
    TIME(day_us, "day_start"),
    INT(entries),
    INT(version),
};
#undef ROW
#define ROW ledger
static const struct column ledger_columns[] = {
    TEXT(id),        ENUM(kind, ledger_kind_names),
    DECIMAL(amount), DECIMAL(equity),
    TEXT(reference), TIME(at_us, "at"),
};
#undef ROW
#define ROW stat
static const struct column stat_columns[] = {
    TEXT(id),          INT(signals),  INT(accepted),   INT(rejected), INT(expired), INT(superseded),
    INT(ignored),      INT(dead),     INT(orders),     INT(fills),    INT(wins),    INT(losses),
    DECIMAL(realised), DECIMAL(fees), DECIMAL(volume), INT(version),
};
#undef ROW
#define ROW halt
static const struct column halt_columns[] = {
    TEXT(id), ENUM(level, halt_level_names), TEXT(who), TEXT(why), TIME(at_us, "at"), INT(version),
};
#undef ROW
#define ROW policy_version
static const struct column policy_columns[] = {
    TEXT(id),
    TEXT(strategy),
    TEXT(version),
    TEXT(hash),
    ENUM(status, policy_status_names),
    TEXT(author),
    TEXT(reason),
    TIME(at_us, "at"),
    INT(row_version),
};
#undef ROW
#define ROW strategy_state
static const struct column state_columns[] = {
    TEXT(id),
    TEXT(policy_version),
    LONG(state),
    INT(version),
};
#undef ROW

#define ROW member
static const struct column member_columns[] = {
    TEXT(id),
    TEXT(name),
    INT(term),
    ENUM(state, member_state_names),
    TEXT(address),
    TEXT(build),
    TIME(joined_us, "joined_at"),
    TIME(ended_us, "ended_at"),
    TEXT(reason),
    INT(version),
};
#undef ROW
#define ROW lease_row
static const struct column lease_columns[] = {
    TEXT(id), INT(term), TEXT(holder), TIME(since_us, "since"), INT(version),
};
#undef ROW
#define ROW failover
static const struct column failover_columns[] = {
    TEXT(id),
    TEXT(lost),
    TEXT(found),
    INT(lost_term),
    INT(found_term),
    TIME(lost_us, "lost_at"),
    TIME(noticed_us, "noticed_at"),
    TIME(trading_us, "trading_at"),
    INT(took_us),
    BOOL(target_met),
    TEXT(reason),
};
#undef ROW

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define TABLE(number, sql, list, row, version_at, long_at)                                         \
    [number] = {.id = (number),                                                                    \
                .name = (sql),                                                                     \
                .columns = (list),                                                                 \
                .column_count = COUNT(list),                                                       \
                .row_size = sizeof(struct row),                                                    \
                .version_column = (version_at),                                                    \
                .long_column = (long_at)}
#define LAST(list) ((int)COUNT(list) - 1)

const struct table tables[TABLE_COUNT] = {
    TABLE(TABLE_SIGNAL, "signals", signal_columns, signal, LAST(signal_columns),
          &signal_columns[14]),
    TABLE(TABLE_DECISION, "decisions", decision_columns, decision, -1, NULL),
    TABLE(TABLE_ORDER, "orders", order_columns, order, LAST(order_columns) - 1, NULL),
    TABLE(TABLE_FILL, "fills", fill_columns, fill, -1, NULL),
    TABLE(TABLE_POSITION, "positions", position_columns, position, LAST(position_columns), NULL),
    TABLE(TABLE_PYRAMID, "pyramiding_state", pyramid_columns, pyramid, LAST(pyramid_columns),
          NULL),
    TABLE(TABLE_ACCOUNT, "accounts", account_columns, account, LAST(account_columns), NULL),
    TABLE(TABLE_LEDGER, "ledger", ledger_columns, ledger, -1, NULL),
    TABLE(TABLE_STAT, "statistics", stat_columns, stat, LAST(stat_columns), NULL),
    TABLE(TABLE_HALT, "halts", halt_columns, halt, LAST(halt_columns), NULL),
    TABLE(TABLE_POLICY, "policies", policy_columns, policy_version, LAST(policy_columns), NULL),
    TABLE(TABLE_STATE, "strategy_state", state_columns, strategy_state, LAST(state_columns),
          &state_columns[2]),
    TABLE(TABLE_MEMBER, "instances", member_columns, member, LAST(member_columns), NULL),
    TABLE(TABLE_LEASE, "leases", lease_columns, lease_row, LAST(lease_columns), NULL),
    TABLE(TABLE_FAILOVER, "failovers", failover_columns, failover, -1, NULL),
};
