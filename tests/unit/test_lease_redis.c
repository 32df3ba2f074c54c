/* Leases, claims and wake-ups with a real Redis in front that is stolen from, emptied, stopped and
 * killed: only speed may change. Three members share one log and one book. */
#include "lease/claim.h"
#include "lease/hints.h"
#include "lease/lease.h"
#include "store/fence.h"
#include "store/store_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "redis_server.h"

#define PATIENCE_US 30000000
#define KEY "instrument:GOLD"
#define REDIS_KEY "tidelock:main:lease:instrument:{GOLD}"
#define MEMBERS 3

struct host { /* one member */
    struct lease *lease;
    struct hints *hints;
    struct claims *claims;
    struct metrics *metrics;
    int answers;
    int64_t term;
    struct err err;
    enum claim claim;
};
static struct loop *loop;
static struct chance chance;
static struct store *store;
static struct store_ops ops;
static struct book *book;
static struct redis_server server, replica, sentinel; /* the last two: of one test */
static struct host hosts[MEMBERS];
static int wakes;
static char url[96];

/* ---- a database whose members are all in good health ---- */

static struct {
    int64_t term;
    struct waiter to;
} beats[64];
static size_t beat_count;
static int64_t beat_number;

static void beat(struct store *s, int64_t term, struct waiter to)
{
    (void)s;
    assert_true(beat_count < 64);
    beats[beat_count].term = term;
    beats[beat_count++].to = to;
}

static void note_wake(struct store *s)
{
    (void)s;
    wakes++;
}

static bool list_alive(void *ctx, const void *row)
{
    struct store_beats *alive = ctx;
    const struct member *member = row;
    if (member->state == MEMBER_ALIVE && alive->count < 16)
        ((struct store_beat *)(uintptr_t)alive->list)[alive->count++] =
            (struct store_beat){.term = member->term, .beat = beat_number, .session = true};
    return true;
}

static void answer_beats(void)
{
    struct store_beat list[16];
    struct store_beats alive = {.list = list};
    size_t count = beat_count;
    beat_number++;
    book_each(book, TABLE_MEMBER, list_alive, &alive);
    for (size_t i = 0; i < count; i++)
        wait_answer(beats[i].to, NULL, &alive);
    memmove(beats, beats + count, (beat_count - count) * sizeof beats[0]);
    beat_count -= count;
}

static void wait_a_turn(void)
{
    for (int i = 0; i < MEMBERS; i++)
        if (hosts[i].lease)
            lease_turn(hosts[i].lease);
    answer_beats();
    size_t given = store_mem_turn(store);
    while (loop_turn(loop, 0))
        ;
    struct pollfd fd = {.fd = loop_fd(loop), .events = POLLIN};
    assert_true(poll(&fd, 1, given || loop_next_ms(loop) == 0 ? 0 : 1) >= 0);
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        int64_t until_us = loop_steady_us(loop) + PATIENCE_US;                                     \
        while (!(condition)) {                                                                     \
            wait_a_turn();                                                                         \
            if (loop_steady_us(loop) > until_us)                                                   \
                fail_msg("never: %s", #condition);                                                 \
        }                                                                                          \
    } while (0)

static void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *host = owner;
    (void)handle;
    (void)value;
    host->answers++;
    host->err = err ? *err : (struct err){0};
}

static void hear_term(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *host = owner;
    if (!err)
        host->term = *(const int64_t *)value;
    hear(owner, handle, err, value);
}

static void hear_claim(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct host *host = owner;
    assert_null(err);
    host->claim = *(const enum claim *)value;
    hear(owner, handle, err, value);
}

static enum err_code acquire(int i)
{
    int before = hosts[i].answers;
    lease_acquire(hosts[i].lease, KEY, (struct waiter){.answer = hear, .owner = &hosts[i]});
    assert_int_equal(hosts[i].answers, before);
    UNTIL(hosts[i].answers > before);
    assert_int_equal(hosts[i].answers, before + 1);
    return hosts[i].err.code;
}

static enum claim claim(int i, const char *id)
{
    int before = hosts[i].answers;
    claim_ask(hosts[i].claims, id, "GOLD",
              (struct waiter){.answer = hear_claim, .owner = &hosts[i]});
    assert_int_equal(hosts[i].answers, before);
    UNTIL(hosts[i].answers > before);
    return hosts[i].claim;
}

static bool holds(int i)
{
    return lease_held(hosts[i].lease, KEY, NULL);
}

/* At most one, and only by the database's word. */
static int holders(void)
{
    int count = 0;
    for (int i = 0; i < MEMBERS; i++) {
        if (!holds(i))
            continue;
        count++;
        assert_true(fence_owner(book, KEY) == hosts[i].term);
    }
    assert_true(count <= 1);
    return count;
}

static int64_t events(void)
{
    struct store_status status;
    store_status(store, &status);
    return status.events;
}

static bool redis_has(const char *prefix)
{
    char out[256];
    redis_say_to(server.port, out, sizeof out, "GET " REDIS_KEY);
    const char *line = strchr(out, '\n');
    return out[0] == '$' && line && strncmp(line + 1, prefix, strlen(prefix)) == 0;
}

static bool redis_names(int i)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%lld.", (long long)hosts[i].term);
    return redis_has(prefix);
}

static bool all_usable(void)
{
    for (int i = 0; i < MEMBERS; i++)
        if (!hints_usable(hosts[i].hints))
            return false;
    return true;
}

static void open_host(int i, const char *identity)
{
    static const char *const names[MEMBERS] = {"one", "two", "three"};
    struct host *host = &hosts[i];
    struct err err;
    host->metrics = metrics_new();
    host->hints = hints_open(&(struct hints_options){.loop = loop,
                                                     .chance = &chance,
                                                     .metrics = host->metrics,
                                                     .store = store,
                                                     .url = url,
                                                     .identity = identity,
                                                     .instance = names[i],
                                                     .deadline_us = 500000 /* it is busy */},
                             &err);
    assert_non_null(host->hints);
    struct lease *inner = lease_store_open(&(struct lease_store_options){.store = store,
                                                                         .clock = clock_real(),
                                                                         .chance = &chance,
                                                                         .book = book,
                                                                         .name = names[i],
                                                                         .ttl_us = 10000000});
    host->lease = lease_redis_open(&(struct lease_redis_options){.inner = inner,
                                                                 .hints = host->hints,
                                                                 .clock = clock_real(),
                                                                 .book = book,
                                                                 .metrics = host->metrics,
                                                                 .key_ttl_us = 1500000});
    host->claims = claims_redis_open(host->hints, loop, host->metrics);
    lease_join(host->lease, (struct waiter){.answer = hear_term, .owner = host});
    UNTIL(host->term);
}

static void close_host(int i)
{
    struct host *host = &hosts[i];
    hints_close(host->hints);
    claims_close(host->claims);
    lease_close(host->lease);
    metrics_free(host->metrics);
    *host = (struct host){0};
}

static void open_all(void)
{
    struct err err;
    chance_seed(&chance, 1);
    beat_count = 0;
    wakes = 0;
    loop = loop_new(clock_real(), NULL, &err);
    store = store_mem_open(
        &(struct store_mem_options){.instance = "test", .immediate = true, .keep_events = true});
    ops = *store->ops;
    ops.beat = beat;
    ops.wake = note_wake;
    store->ops = &ops;
    book = book_new();
    book_forget_final(book, true);
    for (int i = 0; i < MEMBERS; i++)
        open_host(i, "the book of this test");
    UNTIL(all_usable());
}

static int set_up(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    open_all();
    return 0;
}

static int set_up_evicting(void **state)
{
    (void)state;
    redis_server_start(&server, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", NULL);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    open_all();
    return 0;
}

static int set_up_sentinel(void **state)
{
    (void)state;
    char port[12];
    redis_server_start(&server, "--repl-diskless-sync-delay", "0", NULL);
    snprintf(port, sizeof port, "%d", server.port);
    redis_server_start(&replica, "--replicaof", "127.0.0.1", port, NULL);
    redis_server_sentinel(&sentinel, server.port, 1);
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/book", sentinel.port);
    open_all();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_mem_crash(store, false);
    for (int i = 0; i < MEMBERS; i++)
        close_host(i);
    store_close(store);
    book_free(book);
    loop_free(loop);
    redis_server_end(&server);
    return 0;
}

static int tear_down_sentinel(void **state)
{
    redis_server_end(&sentinel);
    redis_server_end(&replica);
    return tear_down(state);
}

static void test_denied_without_the_database(void **state)
{
    (void)state;
    const char *name = "tidelock_lease_hint_denied_total";
    const struct metric *denied = metric_counter(hosts[1].metrics, name, NULL, NULL);
    assert_int_equal(acquire(0), ERR_OK);
    assert_true(redis_names(0));
    int64_t before = events();
    UNTIL(acquire(1) == ERR_BUSY && metric_value(denied) >= 2);
    assert_int_equal(events(), before);
    lease_release(hosts[0].lease, KEY);
    UNTIL(fence_owner(book, KEY) == 0 && !redis_names(0));
    assert_int_equal(acquire(1), ERR_OK);
    assert_true(redis_names(1));
    assert_int_equal(holders(), 1);
}

static void test_leaving(void **state)
{
    (void)state;
    assert_int_equal(acquire(0), ERR_OK);
    int before = hosts[0].answers;
    lease_leave(hosts[0].lease, (struct waiter){.answer = hear, .owner = &hosts[0]});
    UNTIL(hosts[0].answers > before);
    UNTIL(!redis_names(0));
    assert_int_equal(acquire(1), ERR_OK);
}

static void test_dead_holder(void **state)
{
    (void)state;
    char id[24];
    assert_int_equal(acquire(0), ERR_OK);
    snprintf(id, sizeof id, "%lld", (long long)hosts[0].term);
    struct member row = *(const struct member *)book_get(book, TABLE_MEMBER, id);
    book_remove(book, TABLE_MEMBER, id); /* as the log tells it */
    book_remove(store_mem_book(store), TABLE_MEMBER, id);
    assert_true(redis_names(0) && row.term);
    assert_int_equal(acquire(1), ERR_OK);
    UNTIL(redis_names(1));
    assert_int_equal(holders(), 1);
}

static void test_stolen_by_hand(void **state)
{
    (void)state;
    assert_int_equal(acquire(0), ERR_OK);
    redis_say(&server, "SET " REDIS_KEY " nonsense");
    assert_true(holds(0));
    assert_int_equal(acquire(1), ERR_BUSY);
    redis_say(&server, "SET " REDIS_KEY " 999999.x");
    assert_int_equal(acquire(1), ERR_BUSY);
    assert_int_equal(acquire(0), ERR_OK);
    assert_int_equal(holders(), 1);
    UNTIL(redis_names(0)); /* renewed, and put right */
}

/* A living member that has not got it: a stuck key, or a lie. */
static void test_stuck(void **state)
{
    (void)state;
    char command[160];
    int64_t took_us = 0;
    snprintf(command, sizeof command, "SET " REDIS_KEY " %lld.x", (long long)hosts[2].term);
    for (int tries = 0; took_us <= 500000;
         tries++) { /* again when Redis was too slow to be heard */
        assert_true(tries < 30);
        lease_release(hosts[0].lease, KEY);
        UNTIL(!fence_owner(book, KEY));
        redis_say(&server, command);
        int64_t from_us = loop_steady_us(loop);
        while (acquire(0) == ERR_BUSY)
            wait_a_turn();
        assert_int_equal(hosts[0].err.code, ERR_OK);
        took_us = loop_steady_us(loop) - from_us;
    }
    UNTIL(redis_names(0));
}

static void test_forgotten(void **state)
{
    (void)state;
    assert_int_equal(acquire(0), ERR_OK);
    redis_say(&server, "FLUSHALL");
    assert_int_equal(acquire(1), ERR_BUSY); /* Redis grants, the database does not */
    assert_int_equal(holders(), 1);
    UNTIL(redis_names(0)); /* given back, and renewed by its holder */
    redis_say(&server, "SCRIPT FLUSH");
    assert_int_equal(acquire(2), ERR_BUSY);
}

static void test_hang(void **state)
{
    (void)state;
    redis_server_pause(&server);
    int64_t from_us = loop_steady_us(loop);
    assert_int_equal(acquire(0), ERR_OK);
    assert_true(loop_steady_us(loop) - from_us < 20000000);
    assert_int_equal(acquire(1), ERR_BUSY);
    assert_int_equal(claim(0, "s1"), CLAIM_UNKNOWN);
    assert_int_equal(holders(), 1);
    redis_server_resume(&server);
    UNTIL(all_usable());
    UNTIL(redis_names(0));
}

static void test_killed(void **state)
{
    (void)state;
    assert_int_equal(acquire(0), ERR_OK);
    redis_server_kill(&server);
    UNTIL(!hints_usable(hosts[0].hints) && !hints_usable(hosts[1].hints));
    assert_int_equal(acquire(1), ERR_BUSY);
    lease_release(hosts[0].lease, KEY);
    UNTIL(fence_owner(book, KEY) == 0);
    assert_int_equal(acquire(1), ERR_OK);
    assert_int_equal(claim(0, "s1"), CLAIM_UNKNOWN);
    redis_server_run(&server); /* empty */
    UNTIL(all_usable());
    assert_int_equal(acquire(0), ERR_BUSY);
    assert_int_equal(holders(), 1);
    UNTIL(redis_names(1));
}

static void test_foreign(void **state)
{
    (void)state;
    struct hints_status status;
    close_host(2);
    open_host(2, "the book of another test");
    UNTIL((hints_status(hosts[2].hints, &status), strstr(status.text, "redis.prefix")));
    assert_false(hints_usable(hosts[2].hints));
    assert_int_equal(acquire(2), ERR_OK); /* by the database */
    assert_false(redis_names(2));
}

static void test_evicting(void **state)
{
    (void)state;
    struct hints_status status;
    hints_status(hosts[0].hints, &status);
    assert_true(status.warned && strstr(status.text, "noeviction"));
    assert_int_equal(acquire(0), ERR_OK);
}

static void test_claims(void **state)
{
    (void)state;
    char out[64];
    UNTIL(claim(0, "s1") == CLAIM_GRANTED);
    UNTIL(claim(0, "s1") == CLAIM_GRANTED); /* it is ours */
    UNTIL(claim(1, "s1") == CLAIM_DENIED);
    UNTIL(claim(1, "s2") == CLAIM_GRANTED);
    redis_say_to(server.port, out, sizeof out, "PTTL tidelock:main:claim:signal:{GOLD}:s1");
    long ttl_ms = strtol(out + 1, NULL, 10);
    assert_true(ttl_ms > 20000 && ttl_ms <= 30000);
    claim_release(hosts[1].claims, "s1"); /* not its own */
    UNTIL(claim(1, "s1") == CLAIM_DENIED);
    claim_release(hosts[0].claims, "s1");
    UNTIL(claim(1, "s1") == CLAIM_GRANTED);
}

static void test_wake(void **state)
{
    (void)state;
    int64_t seq = events();
    hints_grown(hosts[0].hints, seq); /* nothing that is not known */
    UNTIL(claim(0, "x") == CLAIM_GRANTED);
    assert_int_equal(wakes, 0);
    for (int i = 1; i <= 1000; i++)
        hints_grown(hosts[0].hints, seq + i);
    UNTIL(wakes > 0);
    UNTIL(claim(0, "y") == CLAIM_GRANTED);
    assert_true(wakes <= 3 * MEMBERS); /* the first, and what had gathered meanwhile */
}

static bool says(int port, const char *command, const char *what)
{
    char out[512];
    redis_say_to(port, out, sizeof out, command);
    return strstr(out, what) != NULL;
}

static void take_or_give(int who, int *taken)
{
    if (holds(who))
        lease_release(hosts[who].lease, KEY);
    else
        *taken += acquire(who) == ERR_OK;
    holders();
}

/* The master stands still, another is made master, and the first comes back: it has keys that the
 * second never heard of, and answers as a master until it is told. */
static void test_minority(void **state)
{
    (void)state;
    int taken = 0;
    UNTIL(says(sentinel.port, "SENTINEL REPLICAS book", "*1"));
    UNTIL(says(replica.port, "INFO replication", "master_link_status:up"));
    assert_int_equal(acquire(0), ERR_OK);
    redis_server_pause(&server);
    while (!says(replica.port, "ROLE", "master"))
        take_or_give((int)chance_below(&chance, MEMBERS), &taken);
    redis_server_resume(&server);
    UNTIL(all_usable() || (take_or_give((int)chance_below(&chance, MEMBERS), &taken), false));
    for (int i = 0; i < 60; i++)
        take_or_give((int)chance_below(&chance, MEMBERS), &taken);
    UNTIL(all_usable());
    UNTIL((take_or_give((int)chance_below(&chance, MEMBERS), &taken), taken > 10));
}

/* Members that take and give back at random before a Redis that does anything at all. */
static void test_whatever_redis_says(void **state)
{
    (void)state;
    int taken = 0;
    bool paused = false, dead = false;
    char command[160];
    for (int round = 0; round < 320; round++) {
        int who = (int)chance_below(&chance, MEMBERS);
        switch (chance_below(&chance, 12)) {
        case 0:
            snprintf(command, sizeof command, "SET " REDIS_KEY " %lld.lie",
                     (long long)hosts[who].term);
            break;
        case 1:
            snprintf(command, sizeof command, "FLUSHALL");
            break;
        case 2:
            snprintf(command, sizeof command, "DEL " REDIS_KEY);
            break;
        case 3:
            snprintf(command, sizeof command, "SCRIPT FLUSH");
            break;
        default:
            command[0] = '\0';
        }
        if (*command && !paused && !dead)
            redis_say(&server, command);
        if (round % 40 == 20 && !dead) {
            redis_server_pause(&server);
            paused = true;
        } else if (round % 40 == 30 && paused) {
            redis_server_resume(&server);
            paused = false;
        }
        if (round % 150 == 100 && !paused) {
            redis_server_kill(&server);
            dead = true;
        } else if (round % 150 == 140 && dead) {
            redis_server_run(&server);
            dead = false;
        }
        take_or_give(who, &taken);
        wait_a_turn();
        holders();
    }
    assert_true(taken > 30);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_denied_without_the_database),
        TEST(test_leaving),
        TEST(test_dead_holder),
        TEST(test_stolen_by_hand),
        TEST(test_stuck),
        TEST(test_forgotten),
        TEST(test_hang),
        TEST(test_killed),
        TEST(test_foreign),
        cmocka_unit_test_setup_teardown(test_evicting, set_up_evicting, tear_down),
        TEST(test_claims),
        TEST(test_wake),
        cmocka_unit_test_setup_teardown(test_minority, set_up_sentinel, tear_down_sentinel),
        TEST(test_whatever_redis_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
