/* The worker's half: a box of its own, and a loop that does what the frames say. It reads what the
 * host wrote, so a frame that cannot be is a mistake of ours and ends the process. */
#include "script/remote.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>

struct worker {
    struct sandbox *box;
    struct str in, out, called; /* called: what the host's function answered */
    struct sandbox_record **records; /* by number */
    struct arena arena;              /* shapes */
    uint32_t values;                 /* left for the tree that is being written */
};

struct forward { /* one of the host's functions */
    struct worker *worker;
    uint32_t number;
};

static void open_answer(struct worker *worker, bool ok) {
    struct sandbox_usage usage;
    size_t length;
    const char *output = sandbox_output(worker->box, &length);
    sandbox_usage(worker->box, &usage);
    str_clear(&worker->out);
    wire_put_u8(&worker->out, ok ? SAID_DONE : SAID_FAILED);
    wire_put(&worker->out, &worker->box, sizeof worker->box);
    wire_put(&worker->out, &usage, sizeof usage);
    wire_put_text(&worker->out, output, length);
    if (!ok) wire_put(&worker->out, sandbox_failure(worker->box), sizeof(struct sandbox_failure));
}

static void answer(struct worker *worker, bool ok) {
    open_answer(worker, ok);
    jail_answer(&worker->out);
}

static void answer_ref(struct worker *worker, bool ok, int ref) {
    open_answer(worker, ok);
    wire_put_u32(&worker->out, (uint32_t)ref);
    jail_answer(&worker->out);
}

/* ---- results --------------------------------------------------------------------------------- */

static void put_tree(struct worker *worker, struct sandbox_value *value, int depth) {
    struct sandbox_value key, inner;
    int walk = 0;
    if (worker->values > 0) worker->values--;
    if (value->type == SANDBOX_TEXT && worker->out.length + value->length > TREE_BYTES_MOST)
        value->type = SANDBOX_OTHER;
    wire_put_value(&worker->out, value, value->text);
    if (value->type != SANDBOX_TABLE) return;
    wire_put_u64(&worker->out, sandbox_length(worker->box, value));
    while (depth < TREE_DEPTH_MOST && worker->values > 1 &&
           sandbox_next(worker->box, value, &walk, &key, &inner)) {
        wire_put_u8(&worker->out, 1);
        put_tree(worker, &key, TREE_DEPTH_MOST);
        put_tree(worker, &inner, depth + 1);
    }
    wire_put_u8(&worker->out, 0);
}

static void do_run(struct worker *worker, struct wire *wire) {
    struct sandbox *box = worker->box;
    struct sandbox_value value;
    (void)wire;
    jail_allow_cpu(box->limits.wall_ms * 2);
    bool ok = sandbox_run(box);
    open_answer(worker, ok);
    if (ok) {
        unsigned count = sandbox_results(box);
        if (count > 100) count = 100;
        wire_put_u32(&worker->out, count);
        worker->values = TREE_VALUES_MOST;
        for (unsigned i = 0; i < count; i++) {
            sandbox_result(box, i, &value);
            put_tree(worker, &value, 0);
        }
        sandbox_done(box);
    }
    jail_answer(&worker->out);
}

static void do_peek(struct worker *worker, struct wire *wire) {
    struct sandbox_value value;
    sandbox_peek(worker->box, (int)wire_take_u32(wire), &value);
    open_answer(worker, true);
    wire_put_u32(&worker->out, 1);
    worker->values = TREE_VALUES_MOST;
    put_tree(worker, &value, 0);
    sandbox_done(worker->box);
    jail_answer(&worker->out);
}

/* ---- the host's functions -------------------------------------------------------------------- */

static bool forward_call(void *host, struct sandbox_call *call) {
    struct forward *forward = host;
    struct worker *worker = forward->worker;
    struct sandbox_value value;
    str_clear(&worker->out);
    wire_put_u8(&worker->out, SAID_CALL);
    wire_put_u32(&worker->out, forward->number);
    wire_put_u32(&worker->out, sandbox_arguments(call));
    for (unsigned i = 0; i < sandbox_arguments(call); i++) {
        sandbox_argument(call, i, &value);
        wire_put_value(&worker->out, &value, value.text);
    }
    jail_answer(&worker->out);
    jail_await(&worker->called);
    struct wire wire = wire_read(&worker->called);
    bool ok = wire_take_u8(&wire) != 0;
    uint32_t count = wire_take_u32(&wire);
    for (uint32_t i = 0; i < count && i < CALL_ANSWERS_MOST; i++) {
        wire_take_value(&wire, &value);
        sandbox_answer(call, &value);
    }
    return ok || sandbox_refuse(call, wire_take_text(&wire, NULL));
}

static void do_function(struct worker *worker, struct wire *wire) {
    struct forward *forward = arena_alloc(&worker->arena, sizeof *forward);
    const char *name = wire_take_text(wire, NULL);
    *forward = (struct forward){worker, wire_take_u32(wire)};
    answer(worker, sandbox_set_function(worker->box, name, forward_call, forward));
}

static void do_constant(struct worker *worker, struct wire *wire) {
    struct sandbox_value value;
    const char *name = wire_take_text(wire, NULL);
    wire_take_value(wire, &value);
    answer(worker, sandbox_set_constant(worker->box, name, &value));
}

/* ---- records --------------------------------------------------------------------------------- */

static const struct sandbox_shape *take_shape(struct worker *worker, struct wire *wire) {
    struct sandbox_shape *shape = arena_alloc(&worker->arena, sizeof *shape);
    shape->name = arena_text(&worker->arena, wire_take_text(wire, NULL));
    shape->lenient = wire_take_u8(wire) != 0;
    shape->count = wire_take_u32(wire);
    struct sandbox_field_row *rows =
        arena_alloc(&worker->arena, (shape->count + 1) * sizeof *rows);
    for (uint32_t i = 0; i < shape->count && !wire->bad; i++) {
        rows[i].name = arena_text(&worker->arena, wire_take_text(wire, NULL));
        rows[i].kind = wire_take_u8(wire);
        rows[i].of = wire_take_u8(wire);
        rows[i].most = wire_take_u32(wire);
        if (wire_take_u8(wire)) rows[i].shape = take_shape(worker, wire);
    }
    shape->rows = rows;
    return shape;
}

static void do_record(struct worker *worker, struct wire *wire) {
    struct sandbox *box = worker->box;
    sandbox_record_new(box, take_shape(worker, wire));
    worker->records =
        mem_realloc(worker->records, box->record_count * sizeof *worker->records);
    record_list(box, worker->records);
}

static struct sandbox_record *take_record(struct worker *worker, struct wire *wire) {
    uint32_t number = wire_take_u32(wire);
    assert(number < worker->box->record_count);
    return worker->records[number];
}

static void do_slot(struct worker *worker, struct wire *wire) {
    struct sandbox_record *record = take_record(worker, wire);
    record_take_slot(record, wire);
}

static void do_count(struct worker *worker, struct wire *wire) {
    struct sandbox_record *record = take_record(worker, wire);
    sandbox_set_count(record, wire_take_u32(wire));
}

static void do_global(struct worker *worker, struct wire *wire) {
    const char *name = wire_take_text(wire, NULL);
    sandbox_set_global(worker->box, name, take_record(worker, wire));
}

static void do_push_record(struct worker *worker, struct wire *wire) {
    sandbox_push_record(worker->box, take_record(worker, wire));
}

/* ---- the rest of the API --------------------------------------------------------------------- */

static void do_open(struct worker *worker, struct wire *wire) {
    struct sandbox_limits limits;
    wire_take(wire, &limits, sizeof limits);
    worker->box = sandbox_new(&limits);
    answer(worker, true);
}

static void do_limits(struct worker *worker, struct wire *wire) {
    struct sandbox_limits limits;
    wire_take(wire, &limits, sizeof limits);
    sandbox_set_limits(worker->box, &limits);
}

static void do_seed(struct worker *worker, struct wire *wire) {
    sandbox_seed(worker->box, wire_take_u64(wire));
}

static void do_tidy(struct worker *worker, struct wire *wire) {
    (void)wire;
    bool done = sandbox_tidy(worker->box);
    open_answer(worker, true);
    wire_put_u8(&worker->out, done);
    jail_answer(&worker->out);
}

static void do_module(struct worker *worker, struct wire *wire) {
    size_t length;
    const char *name = wire_take_text(wire, NULL), *chunk = wire_take_text(wire, NULL),
               *text = wire_take_text(wire, &length);
    answer(worker, sandbox_add_module(worker->box, name, text, length, chunk));
}

static void do_load(struct worker *worker, struct wire *wire) {
    size_t length;
    const char *chunk = wire_take_text(wire, NULL), *text = wire_take_text(wire, &length);
    int ref;
    jail_allow_cpu(worker->box->limits.wall_ms * 2);
    bool ok = sandbox_load(worker->box, text, length, chunk, &ref);
    answer_ref(worker, ok, ref);
}

static void do_compiles(struct worker *worker, struct wire *wire) {
    size_t length;
    const char *chunk = wire_take_text(wire, NULL), *text = wire_take_text(wire, &length);
    answer_ref(worker, sandbox_compiles(worker->box, text, length, chunk), 0);
}

static void do_seal(struct worker *worker, struct wire *wire) {
    (void)wire;
    sandbox_seal(worker->box);
}

static void do_find(struct worker *worker, struct wire *wire) {
    int ref = (int)wire_take_u32(wire);
    answer_ref(worker, true, sandbox_find(worker->box, ref, wire_take_text(wire, NULL)));
}

static void do_unref(struct worker *worker, struct wire *wire) {
    sandbox_unref(worker->box, (int)wire_take_u32(wire));
}

static void do_start(struct worker *worker, struct wire *wire) {
    sandbox_start(worker->box, (int)wire_take_u32(wire));
}

static void do_push(struct worker *worker, struct wire *wire) {
    struct sandbox_value value;
    wire_take_value(wire, &value);
    switch (value.type) {
    case SANDBOX_BOOLEAN: sandbox_push_boolean(worker->box, value.boolean); break;
    case SANDBOX_INTEGER: sandbox_push_integer(worker->box, value.integer); break;
    case SANDBOX_DECIMAL: sandbox_push_decimal(worker->box, value.units); break;
    case SANDBOX_TEXT: sandbox_push_text(worker->box, value.text, value.length); break;
    case SANDBOX_NUMBER:
    case SANDBOX_OTHER: sandbox_push_number(worker->box, value.number); break;
    default: sandbox_push_nil(worker->box);
    }
}

static void do_push_table(struct worker *worker, struct wire *wire) {
    (void)wire;
    sandbox_push_table(worker->box);
}

static void do_put_field(struct worker *worker, struct wire *wire) {
    sandbox_put_field(worker->box, wire_take_text(wire, NULL));
}

static void do_put_element(struct worker *worker, struct wire *wire) {
    sandbox_put_element(worker->box, wire_take_u32(wire));
}

static void do_push_ref(struct worker *worker, struct wire *wire) {
    sandbox_push_ref(worker->box, (int)wire_take_u32(wire));
}

static void do_done(struct worker *worker, struct wire *wire) {
    (void)wire;
    sandbox_done(worker->box);
}

static void (*const operations[OPS])(struct worker *, struct wire *) = {
    [OP_OPEN] = do_open,
    [OP_LIMITS] = do_limits,
    [OP_SEED] = do_seed,
    [OP_TIDY] = do_tidy,
    [OP_MODULE] = do_module,
    [OP_LOAD] = do_load,
    [OP_COMPILES] = do_compiles,
    [OP_SEAL] = do_seal,
    [OP_FIND] = do_find,
    [OP_UNREF] = do_unref,
    [OP_START] = do_start,
    [OP_PUSH] = do_push,
    [OP_PUSH_TABLE] = do_push_table,
    [OP_PUT_FIELD] = do_put_field,
    [OP_PUT_ELEMENT] = do_put_element,
    [OP_PUSH_REF] = do_push_ref,
    [OP_PUSH_RECORD] = do_push_record,
    [OP_RUN] = do_run,
    [OP_PEEK] = do_peek,
    [OP_FUNCTION] = do_function,
    [OP_CONSTANT] = do_constant,
    [OP_RECORD] = do_record,
    [OP_GLOBAL] = do_global,
    [OP_SLOT] = do_slot,
    [OP_COUNT] = do_count,
    [OP_DONE] = do_done,
};

/* The host names the box, so that the handler needs nothing of its own. */
static void take_cancel(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)context;
    if (info->si_code == SI_QUEUE && info->si_value.sival_ptr)
        sandbox_cancel(info->si_value.sival_ptr);
}

void worker_main(void) {
    struct sigaction cancel = {.sa_sigaction = take_cancel, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct worker worker = {0};
    arena_init(&worker.arena, 4096);
    sigaction(SIGUSR1, &cancel, NULL);
    for (;;) {
        jail_await(&worker.in);
        struct wire wire = wire_read(&worker.in);
        while (wire.at < wire.end && !wire.bad) {
            uint8_t op = wire_take_u8(&wire);
            if (op >= OPS || (op != OP_OPEN && !worker.box)) _exit(2);
            operations[op](&worker, &wire);
        }
        if (wire.bad) _exit(3);
    }
}
