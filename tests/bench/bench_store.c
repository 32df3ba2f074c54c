/* What a signal costs the SQLite and the PostgreSQL store: signals a second and microseconds of
 * CPU, by batch size.
 *
 * One signal is two writes: (received + decided: signal, decision, order, two events) and (filled:
 * fill, order, position, pyramid, account, ledger, signal, one event). A batch asks so many first
 * writes, waits, then as many second ones. */
#include "base/clock.h"
#include "io/loop.h"
#include "store/store_bodies.h"
#include "unit/pg_store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BATCH_MAX 256
#define SET(field, text) text_copy(field, sizeof(field), text)
#define CHANGE(id, from, to)                                                                       \
    ((struct change){.table = &tables[id], .before = (from), .after = (to)})

struct story {
    struct signal received, working, done;
    struct decision decision;
    struct order sending, filled;
    struct fill fill;
    struct position position;
    struct pyramid pyramid[2];
    struct account account[2];
    struct ledger ledger;
    struct store_event event;
};
static const char trace[] =
    "{\"trace\":{\"facts\":{\"equity\":\"5000000\",\"price\":\"51234.5\",\"atr\":\"210.75\"},"
    "\"gates\":[{\"name\":\"session\",\"verdict\":\"pass\"},{\"name\":\"heat\",\"verdict\":"
    "\"pass\","
    "\"open_risk_percent\":\"3.2\",\"limit\":\"15\"}],\"size\":{\"risk\":\"7\",\"volatility\":"
    "\"5\","
    "\"margin\":\"3\",\"limited_by\":\"margin\"}}}";
static struct pyramid pyramid;
static struct account account;
static struct story stories[BATCH_MAX];
static size_t answered;

static struct decimal dec(const char *text)
{
    struct decimal value = decimal_bad();
    if (!decimal_parse(text, strlen(text), &value, NULL))
        abort();
    return value;
}

static void make_signal(struct story *s, long number)
{
    struct signal *a = &s->received;
    char name[32];
    uint8_t hash[SHA256_SIZE];
    int length = snprintf(name, sizeof name, "signal %ld", number);
    row_init(&tables[TABLE_SIGNAL], a);
    hash_sha256(name, (size_t)length, hash);
    hex_print(hash, sizeof hash, a->fingerprint);
    SET(a->source, "tradingview");
    SET(a->strategy, "bank_nifty_pyramid");
    SET(a->instrument, "BANKNIFTY");
    SET(a->position, "Long_1");
    SET(a->step, "lease");
    a->price = dec("51234.5");
    a->stop = dec("50890.25");
    a->atr = dec("210.75");
    a->extra = "{\"bar\":\"15\",\"er\":\"0.81\"}";
    a->received_us = 1700000000000000 + number * 1000;
    a->at_us = a->received_us - 500000;
    id_derive(a->id, a->fingerprint, NULL);
    id_put_time(a->id, a->at_us); /* as intake makes them: they run with time */
    a->version = 1;
    s->working = *a;
    s->working.state = SIGNAL_WORKING;
    s->working.version = 2;
    SET(s->working.step, "order");
    s->done = s->working;
    s->done.state = SIGNAL_DONE;
    s->done.version = 3;
    s->done.ended_us = a->received_us + 900;
}

static void make_order(struct story *s)
{
    struct decision *d = &s->decision;
    struct order *o = &s->sending;
    uint8_t hash[SHA256_SIZE];
    row_init(&tables[TABLE_DECISION], d);
    SET(d->signal_id, s->received.id);
    SET(d->strategy, s->received.strategy);
    SET(d->instrument, s->received.instrument);
    SET(d->policy_version, "1.2.0");
    SET(d->policy_hash, s->received.fingerprint);
    d->quantity = dec("3");
    d->at_us = s->received.received_us + 100;
    row_init(&tables[TABLE_ORDER], o);
    hash_sha256(s->received.id, strlen(s->received.id), hash);
    base32_print(hash, sizeof hash, o->id, 20);
    id_put_time(o->id, s->received.at_us);
    SET(o->signal_id, s->received.id);
    SET(o->leg, "Long_1");
    SET(o->strategy, d->strategy);
    SET(o->instrument, d->instrument);
    SET(o->position_id, o->id);
    SET(o->broker, "paper");
    o->quantity = dec("3");
    o->reference_price = dec("51234.5");
    o->state = ORDER_SENDING;
    o->attempt = o->term = o->version = 1;
    o->created_us = o->updated_us = o->signed_us = d->at_us;
    s->filled = *o;
    s->filled.state = ORDER_FILLED;
    s->filled.filled = dec("3");
    s->filled.average_price = dec("51236.1");
    s->filled.fees = dec("61.5");
    s->filled.version = 2;
}

static void make_fill(struct story *s, long number)
{
    struct fill *f = &s->fill;
    struct position *p = &s->position;
    row_init(&tables[TABLE_FILL], f);
    snprintf(f->id, sizeof f->id, "paper|T%09ld", number);
    SET(f->order_id, s->sending.id);
    SET(f->strategy, s->received.strategy);
    SET(f->instrument, s->received.instrument);
    f->quantity = dec("3");
    f->price = dec("51236.1");
    f->fee = dec("61.5");
    f->at_us = s->received.received_us + 700;
    row_init(&tables[TABLE_POSITION], p);
    SET(p->id, s->sending.position_id);
    SET(p->strategy, f->strategy);
    SET(p->instrument, f->instrument);
    SET(p->label, "Long_1");
    SET(p->entry_signal_id, s->received.id);
    p->quantity = p->opened_quantity = f->quantity;
    p->entry_price = f->price;
    p->initial_stop = p->stop = s->received.stop;
    p->opened_us = f->at_us;
    p->version = 1;
    s->pyramid[0] = pyramid;
    pyramid.version++;
    pyramid.last_entry_price = f->price;
    s->pyramid[1] = pyramid;
    s->account[0] = account;
    account.version++;
    account.entries++;
    account.equity = decimal_sub(account.equity, f->fee);
    s->account[1] = account;
    row_init(&tables[TABLE_LEDGER], &s->ledger);
    snprintf(s->ledger.id, sizeof s->ledger.id, "main|%012ld", number);
    s->ledger.kind = LEDGER_FEE;
    s->ledger.amount = decimal_neg(f->fee);
    s->ledger.equity = account.equity;
    SET(s->ledger.reference, f->id);
    s->ledger.at_us = f->at_us;
}

static void count_answer(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    (void)owner;
    (void)handle;
    (void)value;
    if (err) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
    answered++;
}

static void ask_decided(struct store *store, struct story *s)
{
    s->event = (struct store_event){.kind = "signal.decided",
                                    .subject = s->received.id,
                                    .cause = trace,
                                    .at_us = s->decision.at_us,
                                    .changes = {CHANGE(TABLE_SIGNAL, NULL, &s->received),
                                                CHANGE(TABLE_SIGNAL, &s->received, &s->working),
                                                CHANGE(TABLE_DECISION, NULL, &s->decision),
                                                CHANGE(TABLE_ORDER, NULL, &s->sending)},
                                    .change_count = 4};
    store_write(store, &(struct store_write){.events = &s->event, .event_count = 1},
                (struct waiter){.answer = count_answer});
}

static void ask_filled(struct store *store, struct story *s)
{
    s->event = (struct store_event){
        .kind = "order.filled",
        .subject = s->sending.id,
        .at_us = s->fill.at_us,
        .changes =
            {CHANGE(TABLE_FILL, NULL, &s->fill), CHANGE(TABLE_ORDER, &s->sending, &s->filled),
             CHANGE(TABLE_POSITION, NULL, &s->position),
             CHANGE(TABLE_PYRAMID, s->pyramid[0].version ? &s->pyramid[0] : NULL, &s->pyramid[1]),
             CHANGE(TABLE_ACCOUNT, s->account[0].version ? &s->account[0] : NULL, &s->account[1]),
             CHANGE(TABLE_LEDGER, NULL, &s->ledger), CHANGE(TABLE_SIGNAL, &s->working, &s->done)},
        .change_count = 7,
    };
    store_write(store, &(struct store_write){.events = &s->event, .event_count = 1},
                (struct waiter){.answer = count_answer});
}

static double process_cpu_us(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* CPU of the thread with this name, from /proc. */
static double thread_cpu_us(const char *name)
{
    double us = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        char path[300], comm[32] = "";
        long long ns = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(comm, sizeof comm, file))
            comm[strcspn(comm, "\n")] = '\0';
        if (file)
            fclose(file);
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", task->d_name);
        file = strcmp(comm, name) == 0 ? fopen(path, "r") : NULL;
        if (file && fscanf(file, "%lld", &ns) == 1)
            us = (double)ns / 1e3;
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return us;
}

static void run_batch(struct store *store, struct loop *loop, size_t batch, bool filled)
{
    answered = 0;
    for (size_t i = 0; i < batch; i++) {
        if (filled)
            ask_filled(store, &stories[i]);
        else
            ask_decided(store, &stories[i]);
    }
    while (answered < batch)
        loop_turn(loop, 100);
}

struct spent {
    double signals, us, cpu_us;
};

static struct spent run(struct store *store, struct loop *loop, size_t batch, long first,
                        long total)
{
    struct spent spent = {.signals = (double)total};
    if (!first)
        pyramid.version = account.version = account.entries = 0;
    for (long done = 0; done < total; done += (long)batch) {
        for (size_t i = 0; i < batch; i++) {
            make_signal(&stories[i], first + done + (long)i);
            make_order(&stories[i]);
            make_fill(&stories[i], first + done + (long)i);
        }
        double cpu_before = process_cpu_us();
        int64_t began_us = clock_steady(clock_real());
        run_batch(store, loop, batch, false);
        run_batch(store, loop, batch, true);
        spent.us += (double)(clock_steady(clock_real()) - began_us);
        spent.cpu_us += process_cpu_us() - cpu_before;
    }
    return spent;
}

static void print(const char *kind, size_t batch, const struct spent *spent, double server_us)
{
    printf("%-10s batches of %3zu: %6.0f signals/s, CPU us/signal: %s %5.1f, all of the host %5.1f;"
           " %.0f us a commit\n",
           kind, batch, spent->signals * 1e6 / spent->us,
           strcmp(kind, "sqlite") == 0 ? "writer" : "server", server_us / spent->signals,
           spent->cpu_us / spent->signals, spent->us / spent->signals * (double)batch / 2);
}

static void measure_sqlite(const char *folder, size_t batch, long total)
{
    char path[128];
    struct err err;
    struct loop *loop = loop_new(clock_real(), NULL, &err);
    snprintf(path, sizeof path, "%s/bench-%zu.db", folder, batch);
    struct store *store = store_sqlite_open(
        &(struct store_sqlite_options){
            .path = path, .instance = "bench", .migrate = true, .loop = loop},
        &err);
    if (!store) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    double writer_us = thread_cpu_us("store-write");
    struct spent spent = run(store, loop, batch, 0, total);
    print("sqlite", batch, &spent, thread_cpu_us("store-write") - writer_us);
    store_close(store);
    loop_turn(loop, 0);
    loop_free(loop);
    const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < 4; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void measure_postgres(struct pg_server *server, size_t batch, long total)
{
    char base[16];
    struct err err;
    struct loop *loop = loop_new(clock_real(), NULL, &err);
    pg_store_base(server, base, sizeof base);
    struct store *store = pg_store_open(server, base, "bench", loop);
    run(store, loop, 1, 0, 1); /* connects, prepares */
    double before_us = pg_server_cpu_us(server);
    struct spent spent = run(store, loop, batch, 1, total);
    print("postgresql", batch, &spent, pg_server_cpu_us(server) - before_us);
    store_close(store);
    loop_turn(loop, 0);
    loop_free(loop);
}

/* bench_store [folder [store [batch]]]: the folder decides which disk is measured. */
int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".", *only = argc > 2 ? argv[2] : "";
    size_t only_batch = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    row_init(&tables[TABLE_PYRAMID], &pyramid);
    row_init(&tables[TABLE_ACCOUNT], &account);
    SET(pyramid.id, "bank_nifty_pyramid|BANKNIFTY");
    SET(account.id, "main");
    account.equity = dec("5000000");
    static const size_t batches[] = {1, 64, 256};
    for (size_t i = 0; i < 3; i++)
        if (*only != 'p' && (!only_batch || only_batch == batches[i]))
            measure_sqlite(folder, batches[i], batches[i] == 1 ? 2000 : 19200);
    if (*only == 's')
        return 0;
    struct pg_server server = {.durable = true, .settings = "shared_buffers=256MB"};
    pg_server_start(&server);
    for (size_t i = 0; i < 3; i++)
        if (!only_batch || only_batch == batches[i])
            measure_postgres(&server, batches[i], batches[i] == 1 ? 2000 : 19200);
    pg_server_stop(&server);
    return 0;
}
