/* Leases as rows: who may act, who may not any more, and who may next. Several members share one
 * log and, since nothing else tells them of it here, one book. */
#include "lease/lease.h"
#include "store/fence.h"
#include "store/store_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define TTL_US 1000000
#define WATCH_US 100000
#define KEY "instrument:GOLD"
#define MEMBERS 3

struct host { /* one member */
    struct lease *lease;
    int answers, lost;
    int64_t term;
    struct err err;
    struct lease_grant grant;
};
static struct clock_sim now;
static struct chance chance;
static struct store *store;
static struct store_ops ops;
static struct book *book;
static struct host sides[MEMBERS];

/* Beats as a database keeps them. */
static struct {
    bool away, hangs; /* refused; not answered before it is woken */
    struct store_beat list[16];
    bool cut[16], frozen[16]; /* no session; its beats do not arrive */
    size_t count;
    struct {
        int64_t term;
        struct waiter to;
    } asked[64];
    size_t asked_count;
} beats;

static void (*real_write)(struct store *s, const struct store_write *write, struct waiter to);

static void beat(struct store *s, int64_t term, struct waiter to)
{
    (void)s;
    assert_true(beats.asked_count < 64);
    beats.asked[beats.asked_count].term = term;
    beats.asked[beats.asked_count++].to = to;
}

/* The signs of life are this test's, and not the store's to compare. */
static void write_plain(struct store *s, const struct store_write *write, struct waiter to)
{
    struct store_write plain = *write;
    plain.silent_term = 0;
    real_write(s, &plain, to);
}

static size_t beat_of(int64_t term)
{
    size_t i = 0;
    while (i < beats.count && beats.list[i].term != term)
        i++;
    if (i == beats.count)
        beats.list[beats.count++] = (struct store_beat){.term = term, .session = true};
    return i;
}

static void answer_beat(int64_t term, struct waiter to)
{
    struct store_beat alive[16];
    struct store_beats list = {.list = alive};
    struct err err;
    size_t at = beat_of(term);
    if (beats.away) {
        err_set(&err, ERR_LATER, ERR_IO, "the database is away");
        wait_answer(to, &err, NULL);
        return;
    }
    if (beats.frozen[at]) { /* of no interest to anybody before it thaws */
        beat(store, term, to);
        return;
    }
    beats.list[at].beat++;
    for (size_t i = 0; i < beats.count; i++) {
        char id[24];
        snprintf(id, sizeof id, "%lld", (long long)beats.list[i].term);
        const struct member *row = book_get(book, TABLE_MEMBER, id);
        if (!row || row->state != MEMBER_ALIVE)
            continue;
        alive[list.count] = beats.list[i];
        alive[list.count++].session = !beats.cut[i];
    }
    wait_answer(to, NULL, &list);
}

static void turn(void)
{
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < MEMBERS; i++)
            if (sides[i].lease)
                lease_turn(sides[i].lease);
        size_t count = beats.hangs ? 0 : beats.asked_count;
        for (size_t i = 0; i < count; i++)
            answer_beat(beats.asked[i].term, beats.asked[i].to);
        memmove(beats.asked, beats.asked + count,
                (beats.asked_count - count) * sizeof beats.asked[0]);
        beats.asked_count -= count;
        store_mem_turn(store);
    }
}

static void pass(int64_t us)
{
    for (int64_t step_us = WATCH_US / 10; us > 0; us -= step_us) {
        clock_sim_advance(&now, step_us);
        turn();
    }
}

static void hear_term(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *side = owner;
    (void)handle;
    side->answers++;
    side->err = err ? *err : (struct err){0};
    if (!err)
        side->term = *(const int64_t *)value;
}

static void hear_grant(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *side = owner;
    (void)handle;
    side->answers++;
    side->err = err ? *err : (struct err){0};
    if (!err)
        side->grant = *(const struct lease_grant *)value;
}

static void note_lost(void *ctx, const char *key)
{
    struct host *side = ctx;
    assert_null(key);
    side->lost++;
}

static void open_side(int i, bool sole)
{
    static const char *const names[MEMBERS] = {"one", "two", "three"};
    struct host *side = &sides[i];
    *side = (struct host){0};
    side->lease = lease_store_open(&(struct lease_store_options){.store = store,
                                                                 .clock = &now.clock,
                                                                 .chance = &chance,
                                                                 .book = book,
                                                                 .name = names[i],
                                                                 .address = "127.0.0.1:1",
                                                                 .build = "test",
                                                                 .sole = sole,
                                                                 .ttl_us = TTL_US,
                                                                 .watch_us = WATCH_US});
    side->lease->on_lost = note_lost;
    side->lease->lost_ctx = side;
}

static void ask_join(int i)
{
    lease_join(sides[i].lease, (struct waiter){.answer = hear_term, .owner = &sides[i]});
}

static void join(int i)
{
    int before = sides[i].answers;
    ask_join(i);
    assert_int_equal(sides[i].answers, before);
    turn();
    assert_int_equal(sides[i].answers, before + 1);
    assert_int_equal(sides[i].err.code, ERR_OK);
    assert_true(lease_held(sides[i].lease, NULL, NULL));
}

static enum err_code acquire(int i)
{
    int before = sides[i].answers;
    lease_acquire(sides[i].lease, KEY, (struct waiter){.answer = hear_grant, .owner = &sides[i]});
    assert_int_equal(sides[i].answers, before);
    turn();
    assert_int_equal(sides[i].answers, before + 1);
    return sides[i].err.code;
}

static bool holds(int i)
{
    return lease_held(sides[i].lease, KEY, NULL);
}

/* What the fence says to a write that side `i` asks now. */
static bool may_write(int i)
{
    return fence_check(book, &(struct store_write){.term = sides[i].term, .fence = KEY}, NULL);
}

static void stop_beats(int i, bool stopped)
{
    beats.frozen[beat_of(sides[i].term)] = stopped;
}

static int set_up(void **state)
{
    (void)state;
    memset(&beats, 0, sizeof beats);
    memset(sides, 0, sizeof sides);
    chance_seed(&chance, 1);
    clock_sim_init(&now, 1700000000000000, 5000000);
    store = store_mem_open(&(struct store_mem_options){
        .instance = "test", .immediate = true, .keep_events = true, .clock = &now.clock});
    ops = *store->ops;
    ops.beat = beat;
    real_write = ops.write;
    ops.write = write_plain;
    store->ops = &ops;
    book = book_new();
    book_forget_final(book, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(store);
    for (int i = 0; i < MEMBERS; i++)
        lease_close(sides[i].lease);
    book_free(book);
    return 0;
}

static void open_three(void)
{
    for (int i = 0; i < MEMBERS; i++) {
        open_side(i, false);
        join(i);
    }
}

static void test_alone(void **state)
{
    (void)state;
    ops.beat = NULL;
    open_side(0, true);
    assert_int_equal(acquire(0), ERR_CLOSED); /* not before joining */
    join(0);
    int64_t deadline_us = 0;
    assert_int_equal(acquire(0), ERR_OK);
    assert_true(lease_held(sides[0].lease, KEY, &deadline_us));
    assert_int_equal(sides[0].grant.term, sides[0].term);
    assert_true(deadline_us == INT64_MAX);
    assert_int_equal(book_count(book, TABLE_LEASE), 0);
    lease_release(sides[0].lease, KEY);
    assert_false(holds(0));
    assert_int_equal(acquire(0), ERR_OK);
    /* The next start ends what a crash left standing. */
    open_side(1, true);
    join(1);
    assert_true(sides[1].term > sides[0].term);
    assert_int_equal(book_count(book, TABLE_MEMBER), 1);
    lease_turn(sides[0].lease);
    assert_false(holds(0));
    assert_int_equal(sides[0].lost, 1);
}

static void test_one_holder(void **state)
{
    (void)state;
    open_three();
    assert_true(sides[0].term < sides[1].term && sides[1].term < sides[2].term);
    assert_int_equal(acquire(1), ERR_OK);
    assert_int_equal(acquire(1), ERR_OK); /* it has it */
    assert_int_equal(acquire(0), ERR_BUSY);
    assert_non_null(strstr(sides[0].err.text, "two"));
    assert_true(holds(1) && !holds(0) && may_write(1) && !may_write(0));
    lease_release(sides[1].lease, KEY);
    assert_false(holds(1));
    turn();
    assert_int_equal(acquire(0), ERR_OK);
    assert_true(may_write(0) && !may_write(1));
}

static void test_given_back_while_asked(void **state)
{
    (void)state;
    open_three();
    lease_acquire(sides[0].lease, KEY, (struct waiter){.answer = hear_grant, .owner = &sides[0]});
    lease_turn(sides[0].lease); /* the write is on its way */
    lease_release(sides[0].lease, KEY);
    turn();
    assert_false(holds(0));
    assert_int_equal(acquire(1), ERR_OK);
}

static void test_same_moment(void **state)
{
    (void)state;
    for (int i = 0; i < MEMBERS; i++)
        open_side(i, false);
    for (int i = 0; i < MEMBERS; i++)
        ask_join(i);
    turn();
    turn();
    int held = 0;
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(sides[i].err.code, ERR_OK);
        assert_true(sides[i].term && sides[i].term != sides[(i + 1) % MEMBERS].term);
        lease_acquire(sides[i].lease, KEY,
                      (struct waiter){.answer = hear_grant, .owner = &sides[i]});
    }
    for (int i = 0; i < MEMBERS; i++)
        lease_turn(sides[i].lease);
    turn();
    for (int i = 0; i < MEMBERS; i++) {
        held += holds(i);
        assert_int_equal(holds(i), may_write(i));
        assert_int_equal(sides[i].err.code, holds(i) ? ERR_OK : ERR_BUSY);
    }
    assert_int_equal(held, 1);
}

static void test_silent_holder(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(acquire(0), ERR_OK);
    pass(TTL_US * 3);
    assert_true(holds(0));
    stop_beats(0, true);
    bool stopped = false;
    int64_t alone_us = 0;
    while (may_write(0)) {
        pass(WATCH_US / 10);
        assert_false(holds(1) || holds(2));
        stopped |= !holds(0);
        alone_us += stopped ? WATCH_US / 10 : 0;
        if (may_write(0))
            assert_int_equal(acquire(1), ERR_BUSY);
    }
    /* It had stopped itself well before. */
    assert_true(alone_us > TTL_US / 3 && alone_us < TTL_US);
    assert_int_equal(acquire(1), ERR_OK);
    assert_int_equal(sides[0].lost, 1);
    assert_false(holds(0));
    assert_int_equal(acquire(0), ERR_CLOSED);
    stop_beats(0, false);
    int64_t before = sides[0].term;
    turn();
    join(0);
    assert_true(sides[0].term > before);
    assert_int_equal(acquire(0), ERR_BUSY);
}

static void test_silent_for_a_while(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(acquire(0), ERR_OK);
    stop_beats(0, true);
    pass(TTL_US + WATCH_US * 2);
    assert_false(holds(0) || lease_held(sides[0].lease, NULL, NULL));
    stop_beats(0, false);
    pass(WATCH_US * 2);
    assert_true(holds(0)); /* nobody had it meanwhile */
    assert_int_equal(sides[0].lost, 0);
}

static void test_session_gone(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(acquire(0), ERR_OK);
    pass(TTL_US);
    stop_beats(0, true);
    beats.cut[beat_of(sides[0].term)] = true;
    int64_t before_us = clock_steady(&now.clock);
    while (may_write(0))
        pass(WATCH_US / 10);
    int64_t took_us = clock_steady(&now.clock) - before_us;
    assert_true(took_us > WATCH_US / 10 && took_us < WATCH_US * 2);
    assert_int_equal(acquire(2), ERR_OK);
}

static void test_session_blinks(void **state)
{
    (void)state;
    open_three();
    pass(TTL_US);
    size_t at = beat_of(sides[0].term);
    for (int i = 0; i < 20; i++) {
        beats.cut[at] = true;
        pass(WATCH_US / 10);
        beats.cut[at] = false;
        pass(WATCH_US * 2);
    }
    assert_int_equal(sides[0].lost, 0);
}

static void test_nobody_could_look(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(acquire(0), ERR_OK);
    pass(TTL_US);
    beats.away = true;
    pass(TTL_US * 5);
    assert_false(holds(0));
    beats.away = false;
    stop_beats(0, true); /* the last to find its way back */
    pass(TTL_US / 2);
    stop_beats(0, false);
    pass(TTL_US);
    assert_true(holds(0));
    assert_int_equal(sides[0].lost + sides[1].lost + sides[2].lost, 0);
}

/* All stand still with the machine, or wait for one answer very long. */
static void test_stopped_observer(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(acquire(0), ERR_OK);
    pass(TTL_US);
    clock_sim_advance(&now, TTL_US * 60);
    assert_false(holds(0));
    pass(TTL_US);
    assert_true(holds(0));
    beats.hangs = true;
    pass(TTL_US * 10);
    assert_false(holds(0));
    beats.hangs = false;
    pass(TTL_US);
    assert_true(holds(0));
    assert_int_equal(sides[0].lost + sides[1].lost + sides[2].lost, 0);
}

static void test_leave(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(acquire(0), ERR_OK);
    int before = sides[0].answers;
    lease_acquire(sides[0].lease, "leader",
                  (struct waiter){.answer = hear_grant, .owner = &sides[0]});
    lease_leave(sides[0].lease, (struct waiter){.answer = hear_term, .owner = &sides[0]});
    assert_false(holds(0) || lease_held(sides[0].lease, NULL, NULL));
    turn();
    assert_int_equal(sides[0].answers, before + 2);
    assert_int_equal(book_count(book, TABLE_MEMBER), 2);
    const struct lease_row *row = book_get(book, TABLE_LEASE, KEY);
    assert_int_equal(row->term, 0);
    assert_int_equal(acquire(1), ERR_OK);
    assert_int_equal(sides[0].lost, 0);
    join(0); /* and comes back */
    assert_int_equal(acquire(0), ERR_BUSY);
}

/* Who leaves names who goes on: of those that give signs of life, whoever has been there longest.
 */
static void test_heir(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(acquire(1), ERR_OK);
    lease_acquire(sides[1].lease, "leader",
                  (struct waiter){.answer = hear_grant, .owner = &sides[1]});
    lease_acquire(sides[1].lease, "rollover:X",
                  (struct waiter){.answer = hear_grant, .owner = &sides[1]});
    pass(WATCH_US * 2);
    stop_beats(0, true);
    pass(WATCH_US * 5); /* not yet dead, but silent */
    lease_leave(sides[1].lease, (struct waiter){.answer = hear_term, .owner = &sides[1]});
    turn();
    const struct lease_row *row = book_get(book, TABLE_LEASE, "leader");
    assert_int_equal(row->term, sides[2].term);
    assert_string_equal(row->holder, "three");
    row = book_get(book, TABLE_LEASE, "rollover:X");
    assert_int_equal(row->term, 0); /* nobody would go on with that by itself */
    assert_int_equal(acquire(0), ERR_BUSY);
    int64_t version = ((const struct lease_row *)book_get(book, TABLE_LEASE, KEY))->version;
    assert_int_equal(acquire(2), ERR_OK);
    row = book_get(book, TABLE_LEASE, KEY);
    assert_int_equal(row->version, version); /* nothing was to be written */
    /* One that was handed a key and leaves without ever having taken it hands it on. */
    stop_beats(0, false);
    pass(WATCH_US * 3);
    lease_leave(sides[2].lease, (struct waiter){.answer = hear_term, .owner = &sides[2]});
    turn();
    row = book_get(book, TABLE_LEASE, "leader");
    assert_int_equal(row->term, sides[0].term);
}

static void test_database_refuses(void **state)
{
    (void)state;
    open_three();
    lease_acquire(sides[0].lease, KEY, (struct waiter){.answer = hear_grant, .owner = &sides[0]});
    lease_turn(sides[0].lease);
    store_mem_commit(store, true);
    store_mem_turn(store);
    assert_int_equal(sides[0].err.class, ERR_LATER);
    assert_false(holds(0));
    assert_int_equal(acquire(0), ERR_OK);
    lease_release(sides[0].lease, KEY);
    lease_turn(sides[0].lease);
    store_mem_commit(store, true);
    store_mem_turn(store);
    assert_false(holds(0));
    assert_int_equal(acquire(1), ERR_BUSY); /* the row stands */
    pass(TTL_US);                           /* and is given back by itself */
    assert_int_equal(acquire(1), ERR_OK);
}

static void test_changed_by_hand(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(acquire(0), ERR_OK);
    struct lease_row row = *(const struct lease_row *)book_get(book, TABLE_LEASE, KEY);
    row.term = sides[2].term;
    row.version++;
    book_put(book, TABLE_LEASE, &row);
    sides[0].lease->on_lost = NULL;
    assert_false(may_write(0));
    pass(WATCH_US * 2);
    assert_false(holds(0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_alone),
        TEST(test_one_holder),
        TEST(test_given_back_while_asked),
        TEST(test_same_moment),
        TEST(test_silent_holder),
        TEST(test_silent_for_a_while),
        TEST(test_session_gone),
        TEST(test_session_blinks),
        TEST(test_nobody_could_look),
        TEST(test_stopped_observer),
        TEST(test_leave),
        TEST(test_heir),
        TEST(test_database_refuses),
        TEST(test_changed_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
