/* The host's half of a box in a worker: operations gather, one that needs an answer sends them all.
 * What comes back was written by a process that may be hostile, so every byte is checked; one that
 * cannot be ends the worker. */
#include "script/remote.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#define GRACE_MS 50        /* for the way there and back, beyond twice the wall time */
#define OPEN_MS 1000       /* for the first answer */
#define GATHER_MOST (1u << 20) /* bytes that wait for an answer */

/* Ends the worker, if it has not ended; `how` it did is told when the text asks with a colon. */
static void die(struct sandbox *box, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void die(struct sandbox *box, const char *format, ...) {
    struct remote *remote = box->remote;
    struct sandbox_failure *failure = &box->failure;
    char how[120] = "", text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    jail_end(&remote->jail, how, sizeof how);
    bool asked = *text && text[strlen(text) - 1] == ':';
    memset(failure, 0, sizeof *failure);
    failure->end = SANDBOX_DIED;
    snprintf(failure->text, sizeof failure->text, "the worker process is gone: %s%s%s", text,
             asked ? " " : "", asked ? how : "");
    remote->results = 0;
    remote->node_count = 0;
    remote->usage.kills++;
}

/* ---- operations ------------------------------------------------------------------------------ */

static bool is_dead(const struct sandbox *box) { return !jail_is_open(&box->remote->jail); }

/* Sends what has gathered when it is much, so that a host that only sets is bounded too. */
static struct str *add(struct sandbox *box, enum op op) {
    struct remote *remote = box->remote;
    assert(!box->running && "a call inside a call");
    if (is_dead(box)) {
        str_clear(&remote->out);
    } else if (remote->out.length > GATHER_MOST) {
        if (!jail_send(&remote->jail, &remote->out, guard_now_us() + OPEN_MS * 1000))
            die(box, "it took nothing for %d ms", OPEN_MS);
        str_clear(&remote->out);
    }
    wire_put_u8(&remote->out, (uint8_t)op);
    return &remote->out;
}

void remote_op(struct sandbox *box, enum op op) {
    add(box, op);
    if (op == OP_DONE) box->remote->results = box->remote->node_count = 0;
}

void remote_op_u32(struct sandbox *box, enum op op, uint32_t value) {
    wire_put_u32(add(box, op), value);
}

void remote_limits(struct sandbox *box) {
    wire_put(add(box, OP_LIMITS), &box->limits, sizeof box->limits);
}

void remote_seed(struct sandbox *box, uint64_t seed) { wire_put_u64(add(box, OP_SEED), seed); }

void remote_start(struct sandbox *box, int ref) {
    box->remote->results = box->remote->node_count = 0;
    remote_op_u32(box, OP_START, (uint32_t)ref);
}

void remote_push(struct sandbox *box, const struct sandbox_value *value) {
    wire_put_value(add(box, OP_PUSH), value, value->text);
}

void remote_field(struct sandbox *box, const char *name) {
    wire_put_text(add(box, OP_PUT_FIELD), name, strlen(name));
}

void remote_element(struct sandbox *box, uint32_t index) {
    assert(index >= 1 && index <= 100000);
    remote_op_u32(box, OP_PUT_ELEMENT, index);
}

void remote_global(struct sandbox *box, const char *name, uint32_t record) {
    struct str *out = add(box, OP_GLOBAL);
    wire_put_text(out, name, strlen(name));
    wire_put_u32(out, record);
}

void remote_count(struct sandbox *box, uint32_t record, uint32_t count) {
    struct str *out = add(box, OP_COUNT);
    wire_put_u32(out, record);
    wire_put_u32(out, count);
}

static void put_shape(struct str *out, const struct sandbox_shape *shape) {
    wire_put_text(out, shape->name, strlen(shape->name));
    wire_put_u8(out, shape->lenient);
    wire_put_u32(out, shape->count);
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct sandbox_field_row *row = &shape->rows[i];
        wire_put_text(out, row->name, strlen(row->name));
        wire_put_u8(out, (uint8_t)row->kind);
        wire_put_u8(out, (uint8_t)row->of);
        wire_put_u32(out, row->most);
        wire_put_u8(out, row->shape != NULL);
        if (row->shape) put_shape(out, row->shape);
    }
}

void remote_record(struct sandbox *box, const struct sandbox_shape *shape) {
    put_shape(add(box, OP_RECORD), shape);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The worker asks for one of the host's functions; false: what it says cannot be. */
static bool serve_call(struct sandbox *box, struct wire *wire) {
    struct remote *remote = box->remote;
    struct sandbox_value arguments[CALL_ARGUMENTS_MOST];
    struct sandbox_call call = {.arguments = arguments, .texts = &box->answer_texts};
    uint32_t number = wire_take_u32(wire);
    call.argument_count = wire_take_u32(wire);
    if (number >= remote->function_count || call.argument_count > CALL_ARGUMENTS_MOST) return false;
    for (unsigned i = 0; i < call.argument_count; i++) {
        wire_take_value(wire, &arguments[i]);
        arguments[i].slot = 0;
    }
    if (wire->bad) return false;
    str_clear(call.texts);
    bool ok = remote->functions[number].call(remote->functions[number].host, &call);
    str_clear(&remote->out);
    wire_put_u8(&remote->out, ok);
    wire_put_u32(&remote->out, ok ? call.answer_count : 0);
    for (unsigned i = 0; ok && i < call.answer_count; i++) {
        const struct sandbox_value *answer = &call.answers[i];
        size_t place = answer->type == SANDBOX_TEXT ? (size_t)answer->integer : 0;
        wire_put_value(&remote->out, answer, str_text(call.texts) + place);
    }
    wire_put_text(&remote->out, call.refusal, strlen(call.refusal));
    return true;
}

static void take_failure(struct sandbox *box, struct wire *wire) {
    struct sandbox_failure *failure = &box->failure;
    wire_take(wire, failure, sizeof *failure);
    if ((unsigned)failure->end < SANDBOX_FAILED || (unsigned)failure->end >= SANDBOX_DIED)
        failure->end = SANDBOX_FAILED;
    failure->text[sizeof failure->text - 1] = failure->file[sizeof failure->file - 1] = '\0';
    failure->source[sizeof failure->source - 1] = failure->trace[sizeof failure->trace - 1] = '\0';
}

/* What every answer begins with. *wire is left at what the operation adds. */
static bool take_head(struct sandbox *box, struct wire *wire, bool *ok) {
    struct remote *remote = box->remote;
    size_t length;
    const char *output;
    void *worker_box;
    uint8_t said = wire_take_u8(wire);
    *ok = said == SAID_DONE;
    wire_take(wire, &worker_box, sizeof worker_box);
    if (!remote->worker_box) remote->worker_box = worker_box; /* a canceller may read it later */
    wire_take(wire, &remote->usage, sizeof remote->usage);
    output = wire_take_text(wire, &length);
    str_clear(&box->output);
    str_put(&box->output, output, length);
    if (said == SAID_FAILED) take_failure(box, wire);
    return !wire->bad && (said == SAID_DONE || said == SAID_FAILED);
}

static bool exchange(struct sandbox *box, int64_t *deadline_us) {
    struct remote *remote = box->remote;
    for (;;) {
        if (!jail_send(&remote->jail, &remote->out, *deadline_us) ||
            !jail_receive(&remote->jail, &remote->in, *deadline_us))
            return false;
        str_clear(&remote->out);
        if (remote->in.length == 0 || remote->in.data[0] != SAID_CALL) return true;
        struct wire wire = wire_read(&remote->in);
        wire_take_u8(&wire);
        int64_t began_us = guard_now_us();
        if (!serve_call(box, &wire)) return true; /* the head is refused next */
        *deadline_us += guard_now_us() - began_us;
    }
}

/* Sends, waits, reads the head; true when the operation worked. */
static bool converse(struct sandbox *box, struct wire *wire) {
    struct remote *remote = box->remote;
    int64_t began_us = guard_now_us();
    uint32_t patience_ms = box->limits.wall_ms * 2 + GRACE_MS;
    if (!remote->worker_box) patience_ms += OPEN_MS;
    int64_t deadline_us = began_us + patience_ms * INT64_C(1000);
    bool ok = false;
    if (is_dead(box)) {
        str_clear(&remote->out);
        return false;
    }
    remote->results = remote->node_count = 0;
    remote->hint_slot = 0;
    box->running = true;
    bool heard = exchange(box, &deadline_us);
    box->running = false;
    *wire = wire_read(&remote->in);
    if (!heard) {
        str_clear(&remote->out);
        if (guard_now_us() >= deadline_us)
            die(box, "killed, because it gave no answer within %u ms", patience_ms);
        else
            die(box, "it ended by itself or by another's hand:");
    } else if (!take_head(box, wire, &ok)) {
        die(box, "killed, because what it said cannot be");
    }
    return ok && !is_dead(box);
}

bool remote_ask(struct sandbox *box, enum op op) {
    struct wire wire;
    add(box, op);
    return converse(box, &wire) && wire_take_u8(&wire) != 0;
}

static int take_ref(struct sandbox *box) {
    struct wire wire;
    uint32_t ref;
    if (!converse(box, &wire)) return -1;
    ref = wire_take_u32(&wire);
    return ref <= INT32_MAX ? (int)ref : 0;
}

bool remote_load(struct sandbox *box, enum op op, const char *source, size_t length,
                 const char *chunk, int *ref) {
    if (length > box->limits.source_bytes)
        return fault_misuse(box, "%s is %zu bytes long; a file may have %zu", chunk, length,
                            box->limits.source_bytes);
    record_send(box);
    struct str *out = add(box, op);
    wire_put_text(out, chunk, strlen(chunk));
    wire_put_text(out, source, length);
    int got = take_ref(box);
    if (ref) *ref = got < 0 ? 0 : got;
    return got >= 0;
}

bool remote_module(struct sandbox *box, const char *name, const char *source, size_t length,
                   const char *chunk) {
    if (length > box->limits.source_bytes)
        return fault_misuse(box, "%s is %zu bytes long; a file may have %zu", chunk, length,
                            box->limits.source_bytes);
    struct wire wire;
    struct str *out = add(box, OP_MODULE);
    wire_put_text(out, name, strlen(name));
    wire_put_text(out, chunk, strlen(chunk));
    wire_put_text(out, source, length);
    return converse(box, &wire);
}

int remote_find(struct sandbox *box, int ref, const char *path) {
    struct str *out = add(box, OP_FIND);
    wire_put_u32(out, (uint32_t)ref);
    wire_put_text(out, path, strlen(path));
    int found = take_ref(box);
    return found < 0 ? 0 : found;
}

bool remote_function(struct sandbox *box, const char *name, sandbox_function function, void *host) {
    struct remote *remote = box->remote;
    struct wire wire;
    struct str *out = add(box, OP_FUNCTION);
    wire_put_text(out, name, strlen(name));
    wire_put_u32(out, remote->function_count);
    remote->functions = mem_realloc(remote->functions, (remote->function_count + 1) *
                                                           sizeof *remote->functions);
    remote->functions[remote->function_count++] = (struct function_row){function, host};
    return converse(box, &wire);
}

bool remote_constant(struct sandbox *box, const char *name, const struct sandbox_value *value) {
    struct wire wire;
    struct str *out = add(box, OP_CONSTANT);
    wire_put_text(out, name, strlen(name));
    wire_put_value(out, value, value->text);
    return converse(box, &wire);
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint32_t take_node(struct remote *remote, struct wire *wire, int depth);

/* Pairs follow each other until a 0; a key's node stands right before its value's. */
static void take_pairs(struct remote *remote, struct wire *wire, uint32_t table, int depth) {
    uint32_t last = 0;
    while (wire_take_u8(wire) && !wire->bad) {
        uint32_t key = take_node(remote, wire, TREE_DEPTH_MOST); /* a key is never opened */
        take_node(remote, wire, depth + 1);
        if (wire->bad) return;
        if (last)
            remote->nodes[last].next = key;
        else
            remote->nodes[table].first = key;
        last = key;
    }
}

static uint32_t take_node(struct remote *remote, struct wire *wire, int depth) {
    uint32_t at = remote->node_count;
    if (at >= 2 * TREE_VALUES_MOST + 200 || depth > TREE_DEPTH_MOST + 1) wire->bad = true;
    if (wire->bad) return 0;
    remote->node_count++;
    remote->nodes[at] = (struct node){0};
    wire_take_value(wire, &remote->nodes[at].value);
    remote->nodes[at].value.slot = (int)at;
    if (remote->nodes[at].value.type == SANDBOX_TABLE) {
        remote->nodes[at].length = wire_take_u64(wire);
        take_pairs(remote, wire, at, depth);
    }
    return at;
}

/* All results, linked like keys; false: what came cannot be. */
static bool take_results(struct remote *remote, struct wire *wire) {
    uint32_t count = wire_take_u32(wire), last = 0;
    if (!remote->nodes)
        remote->nodes = mem_alloc((2 * TREE_VALUES_MOST + 200) * sizeof *remote->nodes);
    remote->nodes[0] = (struct node){0};
    remote->node_count = 1;
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        uint32_t at = take_node(remote, wire, 0);
        if (last) remote->nodes[last].next = at;
        last = at;
    }
    remote->results = wire->bad ? 0 : count;
    return !wire->bad;
}

bool remote_run(struct sandbox *box) {
    struct wire wire;
    record_send(box);
    add(box, OP_RUN);
    if (!converse(box, &wire)) return false;
    if (take_results(box->remote, &wire)) return true;
    die(box, "killed, because what it said cannot be");
    return false;
}

void remote_peek(struct sandbox *box, int ref, struct sandbox_value *out) {
    struct wire wire;
    *out = (struct sandbox_value){.type = SANDBOX_NIL};
    remote_op_u32(box, OP_PEEK, (uint32_t)ref);
    if (!converse(box, &wire)) return;
    if (take_results(box->remote, &wire))
        remote_result(box, 0, out);
    else
        die(box, "killed, because what it said cannot be");
}

/* ---- life ------------------------------------------------------------------------------------ */

void remote_open(struct sandbox *box, struct sandbox_workers *workers) {
    struct remote *remote = mem_alloc(sizeof *remote);
    struct wire wire;
    struct err err = {.text = "no sandbox_workers were given"};
    box->remote = remote;
    remote->jail.socket = remote->jail.pidfd = -1;
    if (!workers || !jail_open(workers, worker_main, box->limits.memory_bytes, &remote->jail, &err))
        die(box, "%s", err.text);
    wire_put(add(box, OP_OPEN), &box->limits, sizeof box->limits);
    if (!is_dead(box) && !converse(box, &wire) && !is_dead(box))
        die(box, "killed, because it did not start");
}

void remote_free(struct sandbox *box) {
    struct remote *remote = box->remote;
    jail_close(&remote->jail);
    str_free(&remote->out);
    str_free(&remote->in);
    mem_free(remote->nodes);
    mem_free(remote->functions);
    mem_free(remote);
}

/* The value is the address the worker's handler takes; a cancel that finds no call is lost, as it
 * should be. */
void remote_cancel(struct sandbox *box) {
    jail_signal(&box->remote->jail, SIGUSR1, box->remote->worker_box);
}

int sandbox_worker_pid(const struct sandbox *box) {
    return box->remote ? (int)box->remote->jail.pid : 0;
}
