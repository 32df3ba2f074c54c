/* Starting, taking over, losing the term, meeting another writer; bars, policies and money. */
#include "flow_rig.h"

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_open(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static struct book *tables_of(void)
{
    return store_mem_book(rig.core.store);
}

static void ignore(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)owner;
    (void)handle;
    (void)err;
    (void)value;
}

/* As another process would. */
static void write_past_the_host(enum table_id table, const void *before, const void *after)
{
    struct store_event event = {.kind = "other.wrote", .subject = "other", .change_count = 1};
    struct store_write write = {.events = &event, .event_count = 1};
    event.changes[0] = (struct change){&tables[table], before, after};
    store_write(rig.core.store, &write, (struct waiter){.answer = ignore});
    store_mem_commit(rig.core.store, false);
    store_mem_turn(rig.core.store);
}

static void test_book_is_read_under_our_own_term(void **state)
{
    (void)state;
    struct core *core = &rig.core;
    struct err err;
    rig_kill(&rig);
    rig_open_books(&rig);
    assert_true(core_start(core, &err));
    assert_true(store_load_book(core->store, core->book, 10, NULL, NULL, &err));
    /* Between the reading and the term somebody still writes. */
    struct account after = *(const struct account *)book_get(core->book, TABLE_ACCOUNT, "main");
    after.version++;
    after.equity = decimal_int(7);
    write_past_the_host(TABLE_ACCOUNT, book_get(core->book, TABLE_ACCOUNT, "main"), &after);
    take_over_begin(core, rig_waiter(&rig, false));
    rig_settle(&rig);
    const struct account *account = book_get(core->book, TABLE_ACCOUNT, "main");
    assert_true(decimal_eq(account->equity, decimal_int(7)));
}

static void test_another_writer(void **state)
{
    (void)state;
    struct halt other;
    halt_set(&rig.core, HALT_NO_ENTRY, "me", "first", rig_waiter(&rig, false));
    rig_settle(&rig);
    other = *(const struct halt *)book_get(tables_of(), TABLE_HALT, "all");
    other.version++;
    write_past_the_host(TABLE_HALT, book_get(tables_of(), TABLE_HALT, "all"), &other);
    halt_set(&rig.core, HALT_FREEZE, "me", "second", rig_waiter(&rig, false));
    assert_int_equal(halt_now(&rig.core), HALT_FREEZE); /* at once, whatever the store says */
    rig_pass(&rig, 1000000);
    assert_int_equal(rig.err.class, ERR_NONE);
    const struct halt *stored = book_get(tables_of(), TABLE_HALT, "all");
    assert_int_equal(stored->level, HALT_FREEZE);
    assert_int_equal(stored->version, 3);
    assert_true(
        row_equal(&tables[TABLE_HALT], stored, book_get(rig.core.book, TABLE_HALT, "all"), NULL));
}

static void test_losing_the_term(void **state)
{
    (void)state;
    const struct member *one = book_get(tables_of(), TABLE_MEMBER, "1");
    struct member dead = *one;
    dead.state = MEMBER_DEAD;
    dead.version++;
    write_past_the_host(TABLE_MEMBER, one, &dead);
    struct signal signal = rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    assert_int_equal(rig.err.class, ERR_LATER); /* its sender must come again, to whoever leads */
    assert_non_null(strstr(rig.err.text, "term"));
    assert_null(rig_stored(&rig, signal.id));
    assert_int_equal(rig.core.term, 0);
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    assert_int_equal(rig.err.class, ERR_LATER); /* not in charge: somebody else is */
    assert_int_equal(flow_count(&rig.core), 0);
}

static void test_statistics_after_a_crash(void **state)
{
    (void)state;
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_send(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    rig_send(&rig, SIGNAL_EXIT, "ALL", 0);
    rig_kill(&rig);
    rig_start(&rig);
    const struct stat *stat = book_get(rig.core.stats, TABLE_STAT, "alpha|GOLD");
    assert_int_equal(stat->signals, 3);
    assert_int_equal(stat->accepted, 2);
    assert_int_equal(stat->rejected, 1);
    assert_int_equal(stat->fills, 2);
    statistics_save(&rig.core, rig_waiter(&rig, false));
    rig_settle(&rig);
    rig_kill(&rig);
    rig_start(&rig);
    stat = book_get(rig.core.stats, TABLE_STAT, "alpha|GOLD");
    assert_int_equal(stat->signals, 3);
    assert_int_equal(((const struct stat *)book_get(tables_of(), TABLE_STAT, "alpha|GOLD"))->orders,
                     2);
}

/* ---- bars ---- */

static const char bar_strategy[] =
    "return { name = 'beta', version = '1', instruments = {'GOLD'},\n"
    "  size = function(f) return { quantity = 1, stop = f.signal.stop } end,\n"
    "  on_bar = function(bar, f)\n"
    "      if bar.close:gt(110) then\n"
    "          return { { type = 'BASE_ENTRY', position = 'Long_1', price = bar.close,\n"
    "                     stop = bar.low, note = 'up' } }\n"
    "      end end }\n";

static void load_beta(struct policy_version *version)
{
    struct policy_source file = {"strategy.lua", bar_strategy, sizeof bar_strategy - 1};
    struct str report = STR_EMPTY;
    struct err err = {0};
    if (!policies_load(rig.core.policies, "beta", &file, 1, NULL, 0, "test", version, &report,
                       &err))
        fail_msg("%s", err.text);
    str_free(&report);
}

static void feed(int64_t at_us, int64_t close)
{
    struct bar bar = {.at_us = at_us,
                      .open = decimal_int(100),
                      .high = decimal_int(close),
                      .low = decimal_int(99),
                      .close = decimal_int(close),
                      .volume = decimal_bad()};
    bars_feed(&rig.core, "GOLD", &bar);
    rig_settle(&rig);
}

static void test_bars(void **state)
{
    (void)state;
    struct policy_version version;
    const struct position *open[2];
    int64_t minute = 60000000, at_us = rig.now.now_wall_us - 3 * minute;
    load_beta(&version);
    feed(at_us, 105);
    feed(at_us + minute, 106);
    assert_int_equal(book_open_positions(tables_of(), "beta", "GOLD", open, 2), 0);
    feed(at_us + 2 * minute, 111);
    assert_int_equal(book_open_positions(tables_of(), "beta", "GOLD", open, 2), 1);
    const struct signal *signal = book_get(tables_of(), TABLE_SIGNAL, open[0]->entry_signal_id);
    assert_string_equal(signal->source, "strategy");
    assert_int_equal(signal->at_us, at_us + 3 * minute); /* the bar's close */
    assert_non_null(strstr(signal->extra, "up"));
    size_t signals = book_count(tables_of(), TABLE_SIGNAL);
    feed(at_us + 2 * minute, 111); /* fed again: the same fingerprint */
    assert_int_equal(book_count(tables_of(), TABLE_SIGNAL), signals);
}

static void test_policies_are_recorded(void **state)
{
    (void)state;
    struct policy_version version, next;
    load_beta(&version);
    policy_record(&rig.core, &version, rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_non_null(strstr(rig.events, "policy.swapped"));
    rig.events[0] = '\0';
    policy_record(&rig.core, &version, rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_string_equal(rig.events, ""); /* known already */
    next = version;
    text_copy(next.id, sizeof next.id, "beta|other");
    policy_record(&rig.core, &next, rig_waiter(&rig, false));
    rig_settle(&rig);
    const struct policy_version *old = book_get(tables_of(), TABLE_POLICY, version.id);
    assert_int_equal(old->status, POLICY_REPLACED);
    assert_int_equal(rig.answers, 3);
}

static void test_money(void **state)
{
    (void)state;
    account_deposit(&rig.core, decimal_int(-40000), "me", rig_waiter(&rig, false));
    rig_settle(&rig);
    const struct account *account = book_get(tables_of(), TABLE_ACCOUNT, "main");
    assert_true(decimal_eq(account->equity, decimal_int(60000)));
    assert_int_equal(account->entries, 2);
    struct portfolio portfolio;
    portfolio_now(&rig.core, &portfolio);
    assert_int_equal(decimal_sign(portfolio.day_loss), 0); /* nothing was lost */
    account_deposit(&rig.core, decimal_int(0), "me", rig_waiter(&rig, false));
    rig_settle(&rig);
    assert_int_equal(rig.err.code, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_book_is_read_under_our_own_term, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_losing_the_term, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_statistics_after_a_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bars, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_policies_are_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_money, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
