/* A box whose interpreter lives in a worker process: the host's half (remote.c), the worker's half
 * (worker.c), and what they say to each other.
 *
 * The host sends a frame of operations; those without an answer gather until one that has. The
 * worker does them in order on a box of its own and answers the last one, after any number of
 * calls of the host's functions. So a call with its arguments, and all its results, is one round
 * trip. */
#ifndef TIDELOCK_SCRIPT_REMOTE_H
#define TIDELOCK_SCRIPT_REMOTE_H
#include "script/inner.h"
#include "script/jail.h"
#include "script/wire.h"

enum op {
    OP_OPEN, /* the first: limits; answered */
    OP_LIMITS,
    OP_SEED,
    OP_TIDY, /* answered */
    OP_MODULE, /* answered */
    OP_LOAD, /* answered */
    OP_COMPILES, /* answered */
    OP_SEAL,
    OP_FIND, /* answered */
    OP_UNREF,
    OP_START,
    OP_PUSH, /* a scalar */
    OP_PUSH_TABLE,
    OP_PUT_FIELD,
    OP_PUT_ELEMENT,
    OP_PUSH_REF,
    OP_PUSH_RECORD,
    OP_RUN, /* answered */
    OP_PEEK, /* answered */
    OP_FUNCTION, /* answered */
    OP_CONSTANT, /* answered */
    OP_RECORD,
    OP_GLOBAL,
    OP_SLOT,
    OP_COUNT,
    OP_DONE,
    OPS
};

enum said { SAID_CALL, SAID_DONE, SAID_FAILED };

#define TREE_VALUES_MOST 7000
#define TREE_DEPTH_MOST 12
#define TREE_BYTES_MOST (8u << 20)

struct node { /* of what was read; a key stands before its value */
    struct sandbox_value value;
    uint32_t first, next; /* table: its first key; key: the next one; 0: none */
    size_t length;        /* table: its # */
};

struct remote {
    struct jail jail;
    void *worker_box; /* an address in the worker: what a cancel names */
    struct str out, in;
    struct node *nodes; /* nodes[0] is none */
    uint32_t node_count, results;
    struct sandbox_usage usage;
    struct function_row {
        sandbox_function call;
        void *host;
    } *functions;
    uint32_t function_count, record_count;
    int hint_slot; /* the table and key read last: lists are read in order */
    uint32_t hint_at;
};

/* values */
void wire_put_value(struct str *out, const struct sandbox_value *value, const char *text);
/* Texts stay in the frame. A value that cannot be is OTHER. */
void wire_take_value(struct wire *wire, struct sandbox_value *out);

/* the host's half; each does what the function of the same name in sandbox.h promises */
void remote_open(struct sandbox *box, struct sandbox_workers *workers);
void remote_free(struct sandbox *box);
void remote_cancel(struct sandbox *box);
bool remote_load(struct sandbox *box, enum op op, const char *source, size_t length,
                 const char *chunk, int *ref);
bool remote_module(struct sandbox *box, const char *name, const char *source, size_t length,
                   const char *chunk);
void remote_op(struct sandbox *box, enum op op);
void remote_op_u32(struct sandbox *box, enum op op, uint32_t value);
void remote_limits(struct sandbox *box);
void remote_seed(struct sandbox *box, uint64_t seed);
void remote_element(struct sandbox *box, uint32_t index);
void remote_global(struct sandbox *box, const char *name, uint32_t record);
bool remote_ask(struct sandbox *box, enum op op); /* no arguments; sends all, takes the answer */
int remote_find(struct sandbox *box, int ref, const char *path);
void remote_start(struct sandbox *box, int ref);
void remote_push(struct sandbox *box, const struct sandbox_value *value);
void remote_field(struct sandbox *box, const char *name);
bool remote_run(struct sandbox *box);
bool remote_function(struct sandbox *box, const char *name, sandbox_function function, void *host);
bool remote_constant(struct sandbox *box, const char *name, const struct sandbox_value *value);
void remote_peek(struct sandbox *box, int ref, struct sandbox_value *out);
/* reading what came */
void remote_result(const struct sandbox *box, unsigned index, struct sandbox_value *out);
void remote_read(const struct sandbox *box, const struct sandbox_value *table,
                 const char *name /* or NULL */, size_t index, struct sandbox_value *out);
size_t remote_length(const struct sandbox *box, const struct sandbox_value *table);
bool remote_next(const struct sandbox *box, const struct sandbox_value *table, int *walk,
                 struct sandbox_value *key, struct sandbox_value *value);
/* records: all that has changed since the last call, as operations (record.c) */
void record_send(struct sandbox *box);
void remote_record(struct sandbox *box, const struct sandbox_shape *shape);
void remote_count(struct sandbox *box, uint32_t record, uint32_t count);

/* the worker's half */
void worker_main(void);
/* record.c: all records by number, and a field set from a frame. */
void record_list(struct sandbox *box, struct sandbox_record **out);
void record_take_slot(struct sandbox_record *record, struct wire *wire);
#endif
