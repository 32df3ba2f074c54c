/* The account between fills: its trading day, and money that comes and goes. A day begins at
 * midnight of the account's time zone, which summer time makes 23 or 25 hours long. */
#include "flow/account.h"
#include "flow/flows.h"
#include "flow/intake.h"
#include "flow/record.h"

#define DAY_US INT64_C(86400000000)
#define AGAIN_US 1000000 /* after a write that failed */

/* ---- the day ---- */

static int64_t midnight_us(const struct core *core, int64_t local_day)
{
    struct civil civil = calendar_civil(local_day * DAY_US, NULL);
    int64_t utc_us;
    return calendar_from_civil(&civil, core->zone, &utc_us) ? utc_us : local_day * DAY_US;
}

static void find_day(struct core *core, int64_t at_us)
{
    int64_t local_us = at_us;
    if (core->zone)
        local_us += (int64_t)zone_offset_s(core->zone, at_us) * 1000000;
    int64_t day = local_us / DAY_US - (local_us % DAY_US < 0);
    core->day.from_us = midnight_us(core, day);
    core->day.until_us = midnight_us(core, day + 1);
}

int64_t account_day_us(struct core *core, int64_t at_us)
{
    if (at_us < core->day.from_us || at_us >= core->day.until_us)
        find_day(core, at_us);
    return core->day.from_us;
}

static bool may_write(const struct core *core)
{
    return core->term && core->reconciled && record_settled(core) &&
           clock_steady(core->clock) >= core->day.again_us;
}

void account_follow_day(struct core *core)
{
    int64_t day_us = account_day_us(core, clock_wall(core->clock));
    if (core->day.followed_us == day_us)
        return;
    struct account after;
    struct store_event event;
    const struct account *before = book_get(core->book, TABLE_ACCOUNT, ACCOUNT_ID);
    if (before && before->day_us >= day_us && record_in_flight(core) == 0)
        core->day.followed_us = day_us;
    if (!before || !may_write(core) || !core_is_leader(core) ||
        !portfolio_new_day(before, day_us, &after))
        return;
    event_start(core, &event, "account.new_day", ACCOUNT_ID);
    event_change(&event, TABLE_ACCOUNT, before, &after);
    core->day.again_us = clock_steady(core->clock) + AGAIN_US;
    record_write(core, &event, 1, false, (struct waiter){0});
}

int64_t account_turn(struct core *core)
{
    account_follow_day(core);
    return clock_steady(core->clock) + core->day.until_us - clock_wall(core->clock);
}

/* ---- money ---- */

void account_deposit(struct core *core, struct decimal amount, const char *who, struct waiter to)
{
    const struct account *before = book_get(core->book, TABLE_ACCOUNT, ACCOUNT_ID);
    enum ledger_kind kind =
        decimal_ok(amount) && decimal_sign(amount) < 0 ? LEDGER_WITHDRAWAL : LEDGER_DEPOSIT;
    int64_t now_us = clock_wall(core->clock);
    struct account after;
    struct ledger ledger;
    struct store_event event;
    struct err err;
    if (!portfolio_move_money(before, core->options.currency, kind, decimal_abs(amount), who,
                              now_us, account_day_us(core, now_us), &after, &ledger, &err)) {
        intake_defer(core, to, "", &err);
        return;
    }
    event_start(core, &event, kind == LEDGER_WITHDRAWAL ? "account.withdrawn" : "account.deposited",
                ACCOUNT_ID);
    event_change(&event, TABLE_ACCOUNT, before, &after);
    event_change(&event, TABLE_LEDGER, NULL, &ledger);
    record_write(core, &event, 1, false, to);
}
