/* Other people's Lua inside your process, with limits that hold. This header is the whole API and
 * its manual.
 *
 *   struct sandbox *box = sandbox_new(NULL);         // default limits
 *   int module;                                      // what the chunk returned
 *   if (!sandbox_load(box, text, length, "gates.lua", &module)) complain(sandbox_failure(box));
 *   sandbox_seal(box);                               // from here on globals are locked
 *   int check = sandbox_find(box, module, "gates[1].check");
 *
 *   sandbox_start(box, check);
 *   sandbox_push_record(box, facts);
 *   if (!sandbox_run(box)) complain(sandbox_failure(box));   // the box stays usable
 *   struct sandbox_value verdict;
 *   sandbox_result(box, 0, &verdict);
 *
 *   sandbox_free(box);
 *
 * A box is one Lua state: an interpreter (the JIT compiler is never started, because compiled loops
 * cannot be interrupted) with a fixed list of safe functions, a capped heap and a budget for each
 * call. It reaches no file, socket, clock, environment or other box, starts no thread, takes no
 * signal, writes nothing and never exits. Memory exhaustion of the whole process aborts.
 *
 * Limits. Every call has a budget of instructions, wall time, output and nesting; the heap has a
 * cap for its whole life. A script that crosses one is killed: it cannot catch that (pcall passes
 * it on), the call fails with the limit's name, and the box is usable for the next call; only
 * nesting too deeply is an ordinary error. The instruction budget is the rule: it counts VM
 * instructions and the work of library functions, so equal calls of equal boxes are killed at the
 * same point. Wall time is the net under it, and depends on the machine: when it is over, a fifth
 * of it is left in processor time, since a machine with other work is not the script's fault. The
 * budget is looked at every thousand instructions; since one instruction can do work in proportion
 * to the largest object alive, it is looked at more often while there are large ones. For the same
 * reason a table holds at most 4096 keys besides its list, and a text at most 1000 gotos; compiling
 * has the same wall time as a call.
 *
 * Isolation. sandbox_new gives a box in this process: it guarantees availability, for the scripts
 * of one's own people. sandbox_open can give one in a worker process instead, for code from
 * strangers: a process without descriptors, privileges or system calls that matter, killed when it
 * does not answer in time. Every function below works with both; what crosses are plain values.
 * Then: a call costs a round trip of some 40 us; tables are seen 12 levels and 7,000 values deep;
 * pushes cost nothing until the call. When the worker dies, by a kill or from outside, the call
 * that notices it and every later one fail with SANDBOX_DIED and the reason; free the box and open
 * another, which takes well under 1 ms.
 *
 * Ownership. Everything belongs to its box and dies with it. Texts given are copied. Texts got from
 * results live until the next sandbox_start, sandbox_peek, sandbox_done or sandbox_free of the box;
 * texts of sandbox_failure until its next call.
 *
 * Threads. A box is used by one thread at a time (any thread); different boxes are independent.
 * Only sandbox_cancel may be called from another thread, or a signal handler, at any time while the
 * box lives.
 *
 * Errors. A function that can fail returns false and tells why in sandbox_failure(). Misuse by the
 * host (a slot that does not exist, a call inside a call) is a programmer's mistake and asserts.
 *
 * Decimals. An exact number is a 128-bit count of 10^-12 (sandbox_units). Lua sees it as the type
 * `decimal`: arithmetic with decimals, whole Lua numbers, and other Lua numbers whose shortest text
 * says exactly what they are (0.5 and 1.02, not 0.1 + 0.2). Because the types differ, the
 * interpreter itself refuses `price < 5`, and finds `price == 5` false: scripts write decimal(5),
 * price:lt(5), price:eq(5). Methods: abs ceil cmp div eq floor ge gt int is_zero le lt max min
 * muldiv number round sign sqrt trunc; the same as functions of `decimal`, and decimal.is(x). */
#ifndef TIDELOCK_SCRIPT_SANDBOX_H
#define TIDELOCK_SCRIPT_SANDBOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SANDBOX_API_VERSION 1
#define SANDBOX_CHECK __attribute__((warn_unused_result))

__extension__ typedef __int128 sandbox_units; /* value * 10^12 */

struct sandbox;
struct sandbox_record;

/* ---- life ------------------------------------------------------------------------------------ */

struct sandbox_limits {    /* a zero takes the default                                   */
    size_t memory_bytes;   /* the state's heap, for its whole life; 8 MiB                */
    uint64_t instructions; /* a call; 1,000,000 (about 8 ms)                             */
    uint32_t wall_ms;      /* a call; 25                                                 */
    size_t output_bytes;   /* print(), a call; 64 KiB                                    */
    uint32_t depth;        /* nested pcall, sort, gsub, require, tostring; 100 at most   */
    size_t source_bytes;   /* one text; 256 KiB                                          */
    uint64_t seed;         /* math.random; 0 is a seed like any other                    */
};

/* NULL takes every default. Never NULL; about 0.1 ms. */
struct sandbox *sandbox_new(const struct sandbox_limits *limits);
void sandbox_free(struct sandbox *box); /* NULL accepted */
/* Between calls; NULL takes every default. The memory cap may be below what is used: then the next
 * allocation fails. The seed is not looked at. */
void sandbox_set_limits(struct sandbox *box, const struct sandbox_limits *limits);

enum sandbox_isolation { SANDBOX_IN_PROCESS, SANDBOX_WORKER };
/* A small process of ours that forks workers. Make it early, while this process is small and holds
 * no secrets, because workers begin as copies of it. Any number of boxes, in any threads, may use
 * it; it outlives them. It is a child of the calling process (a host that waits for any child will
 * see it), and ends with it, however that ends. NULL: `error` says why. */
struct sandbox_workers;
struct sandbox_workers *sandbox_workers_new(char *error, size_t error_size);
void sandbox_workers_free(struct sandbox_workers *workers); /* NULL accepted */

struct sandbox_options {
    size_t size; /* sizeof(struct sandbox_options): lets the struct grow */
    struct sandbox_limits limits;
    enum sandbox_isolation isolation;
    struct sandbox_workers *workers; /* for SANDBOX_WORKER */
};
/* Never NULL: a box without a worker is dead from the beginning and says why. */
struct sandbox *sandbox_open(const struct sandbox_options *options);
/* Not 0: the number of its worker process. */
int sandbox_worker_pid(const struct sandbox *box);

/* Restarts math.random's sequence, e.g. before each call, so that a replay draws the same. */
void sandbox_seed(struct sandbox *box, uint64_t seed);
/* Ends the running call, if one runs, with SANDBOX_CANCELLED; else nothing. Async-signal-safe. */
void sandbox_cancel(struct sandbox *box);
/* One bounded piece of garbage collection, for idle moments. True when a cycle was completed. */
bool sandbox_tidy(struct sandbox *box);

/* ---- code ------------------------------------------------------------------------------------ */

/* Makes `require(name)` find this text; it is compiled and run at the first require, once. The host
 * reads the files: a script reaches only what was given. False: a bad or taken name, or a text over
 * the limit. */
bool sandbox_add_module(struct sandbox *box, const char *name, const char *source, size_t length,
                        const char *chunk) SANDBOX_CHECK;
/* Compiles text (bytecode is refused) and runs it under the call limits. `chunk` is the file name
 * in messages. *ref is what it returned first; give it back with sandbox_unref, or leave it to
 * sandbox_free. */
bool sandbox_load(struct sandbox *box, const char *source, size_t length, const char *chunk,
                  int *ref) SANDBOX_CHECK;
/* Compiles only; false names the first syntax error. */
bool sandbox_compiles(struct sandbox *box, const char *source, size_t length,
                      const char *chunk) SANDBOX_CHECK;
/* Tells which names of plain Lua that no box has a text uses, with the line of the first use and
 * what to use instead ("os.time", "f.now is ..."), without running it. Returns how many. */
typedef void (*sandbox_advice_fn)(void *context, int line, const char *name, const char *advice);
size_t sandbox_advise(const char *source, size_t length, sandbox_advice_fn each, void *context);
/* The names it knows, one by one; NULL behind the last. */
const char *sandbox_withheld(size_t index, const char **advice);
/* Tells everything a script can reach now, sorted: "pcall", "string.rep", "decimal:round" (a
 * method), "require gates" and, once it ran, "require gates.layers". `what` is function, method,
 * library, module, record, number, string or value. And the fields of a record: "f.signal.price";
 * `what` is then the field's kind, "[]" stands for each element of a list. */
typedef void (*sandbox_name_fn)(void *context, const char *path, const char *what);
void sandbox_names(struct sandbox *box, sandbox_name_fn each, void *context);
void sandbox_record_names(const struct sandbox_record *record, const char *prefix,
                          sandbox_name_fn each, void *context);
/* From here on creating or changing a global is an error that names the place. Reading one that was
 * never declared is an error from the beginning. */
void sandbox_seal(struct sandbox *box);

/* References keep a Lua value for the host; 0 is none. The path is like "gates[1].check", read raw;
 * "" is the value itself. Gives a new reference, 0 for nil. */
int sandbox_find(struct sandbox *box, int ref, const char *path);
void sandbox_unref(struct sandbox *box, int ref);

/* ---- calls ----------------------------------------------------------------------------------- */

/* Forgets the last results; then push the arguments, at most 200. */
void sandbox_start(struct sandbox *box, int ref);
void sandbox_push_nil(struct sandbox *box);
void sandbox_push_boolean(struct sandbox *box, bool value);
void sandbox_push_integer(struct sandbox *box, int64_t value); /* beyond 2^53: a decimal */
void sandbox_push_number(struct sandbox *box, double value);
void sandbox_push_decimal(struct sandbox *box, sandbox_units value);
void sandbox_push_text(struct sandbox *box, const char *bytes, size_t length);
/* What a decimal says in digits ("101.25"); false: it is no such number, and nothing is pushed. */
bool sandbox_push_decimal_text(struct sandbox *box, const char *text) SANDBOX_CHECK;
void sandbox_push_ref(struct sandbox *box, int ref);
/* A new table; what is pushed after it goes into it when it is put, the table stays. Tables nest:
 * push one, fill it, put it into the one before. */
void sandbox_push_table(struct sandbox *box);
void sandbox_put_field(struct sandbox *box, const char *name);
void sandbox_put_element(struct sandbox *box, uint32_t index /* from 1, at most 100,000 */);
void sandbox_push_record(struct sandbox *box, const struct sandbox_record *record);
/* Calls. All results are kept for reading until the next start, peek or done. */
bool sandbox_run(struct sandbox *box) SANDBOX_CHECK;
unsigned sandbox_results(const struct sandbox *box);
/* Drops results early, so that they can be collected; optional. */
void sandbox_done(struct sandbox *box);

/* ---- values ---------------------------------------------------------------------------------- */

enum sandbox_type {
    SANDBOX_NIL,
    SANDBOX_BOOLEAN,
    SANDBOX_INTEGER, /* a Lua number with an integral value of at most 2^53 */
    SANDBOX_NUMBER,  /* any other finite Lua number                         */
    SANDBOX_DECIMAL,
    SANDBOX_TEXT,
    SANDBOX_TABLE,
    SANDBOX_FUNCTION,
    SANDBOX_RECORD, /* one of the host's frozen records */
    SANDBOX_OTHER,  /* NaN, infinity, a host's userdata */
};

struct sandbox_value {
    enum sandbox_type type;
    bool boolean;
    int slot; /* table: where it is kept; the API's own */
    int64_t integer;
    double number;       /* INTEGER and NUMBER; OTHER when it was NaN or infinite */
    sandbox_units units; /* DECIMAL */
    const char *text;    /* NUL-terminated; may hold further NULs */
    size_t length;
};

const char *sandbox_type_name(enum sandbox_type type);
/* Result `index` from 0; NIL beyond the last. */
void sandbox_result(struct sandbox *box, unsigned index, struct sandbox_value *out);
/* Looks at a referenced value instead of results (which are forgotten), e.g. at a table of
 * parameters. */
void sandbox_peek(struct sandbox *box, int ref, struct sandbox_value *out);
/* Tables are read raw: no code of the script runs. At most about 7,000 values may be looked at
 * between two starts; beyond that, and on a value that is no table, everything is NIL. */
void sandbox_field(struct sandbox *box, const struct sandbox_value *table, const char *name,
                   struct sandbox_value *out);
void sandbox_element(struct sandbox *box, const struct sandbox_value *table,
                     size_t index /* from 1 */, struct sandbox_value *out);
size_t sandbox_length(struct sandbox *box, const struct sandbox_value *table);
/* Walks all pairs in no order: start with *walk = 0. What was read inside the last pair is
 * forgotten at the next. */
bool sandbox_next(struct sandbox *box, const struct sandbox_value *table, int *walk,
                  struct sandbox_value *key, struct sandbox_value *value);
/* An exact number: DECIMAL, INTEGER, or a NUMBER whose shortest text says exactly what it is (0.5,
 * not 1/3). */
bool sandbox_value_units(const struct sandbox_value *value, sandbox_units *out);
/* Digits of an exact number, and back; false: not exact, or no such number. */
#define SANDBOX_UNITS_TEXT 48
bool sandbox_value_digits(const struct sandbox_value *value, char out[SANDBOX_UNITS_TEXT]);
bool sandbox_parse_units(const char *text, sandbox_units *out);

/* ---- the host's own functions and constants -------------------------------------------------- */

/* A function of the host that scripts may call. It reads its arguments, answers, and returns true;
 * or returns what sandbox_refuse gives, which raises its sentence at the script's line. It gets
 * plain values only: a table or function shows its type and cannot be opened. It must be quick (its
 * time is the call's), must not use the box it is called from, and may run though the script is
 * killed afterwards. Texts of arguments live until it returns; texts of answers are copied. */
struct sandbox_call;
typedef bool (*sandbox_function)(void *host, struct sandbox_call *call);
/* The name is global ("now") or in a frozen library ("market.price"), made when it is new. Before
 * sandbox_seal. False: the name is taken or is no name. */
bool sandbox_set_function(struct sandbox *box, const char *name, sandbox_function function,
                          void *host) SANDBOX_CHECK;
/* NIL to TEXT. */
bool sandbox_set_constant(struct sandbox *box, const char *name,
                          const struct sandbox_value *value) SANDBOX_CHECK;
unsigned sandbox_arguments(const struct sandbox_call *call);
/* Argument `index` from 0; NIL beyond the last. */
void sandbox_argument(const struct sandbox_call *call, unsigned index, struct sandbox_value *out);
/* The next of at most 16 answers; NIL to TEXT, anything else is answered as nil. */
void sandbox_answer(struct sandbox_call *call, const struct sandbox_value *value);
bool sandbox_refuse(struct sandbox_call *call, const char *sentence); /* always false */

/* ---- frozen records -------------------------------------------------------------------------- */

/* Facts for scripts: built once, refilled between calls without touching the Lua heap, read like
 * tables (f.signal.price, #f.fills, pairs, ipairs) and never written by scripts. A value once read
 * stays what it was: refilling a decimal never changes one that a script has kept. pairs goes in
 * the order of the fields. type() says "table". */
enum sandbox_kind {
    SANDBOX_KIND_TEXT,
    SANDBOX_KIND_INTEGER, /* beyond 2^53 read as a decimal */
    SANDBOX_KIND_BOOLEAN,
    SANDBOX_KIND_DECIMAL,
    SANDBOX_KIND_NUMBER,
    SANDBOX_KIND_RECORD, /* `shape` tells its fields */
    SANDBOX_KIND_LIST,   /* of at most `most` of kind `of` (not LIST; `shape` when RECORD) */
};

struct sandbox_shape;
struct sandbox_field_row {
    const char *name;
    enum sandbox_kind kind;
    const struct sandbox_shape *shape;
    enum sandbox_kind of;
    uint32_t most;
};
struct sandbox_shape {
    const char *name;                     /* in messages: "signal has no field 'pirce'" */
    const struct sandbox_field_row *rows; /* a field's number is its place here */
    uint32_t count;
    bool lenient; /* an unknown field reads as nil instead of being an error */
};

/* The shape is copied. Scalars start as nil, records present, lists empty. Lives as long as the
 * box. A list is a sandbox_record too, whose fields are its elements from 0. */
struct sandbox_record *sandbox_record_new(struct sandbox *box, const struct sandbox_shape *shape);
/* The record or list in a field. */
struct sandbox_record *sandbox_child(const struct sandbox_record *record, uint32_t field);
/* Not while a call runs; the field's kind must fit. Costs a few ns and allocates nothing (but for a
 * longer text than ever before). set_nil takes any kind: it hides a record or list until set_shown.
 * set_count says how many elements of a list scripts see, clamped to `most`. */
void sandbox_set_nil(struct sandbox_record *record, uint32_t field);
void sandbox_set_shown(struct sandbox_record *record, uint32_t field);
void sandbox_set_text(struct sandbox_record *record, uint32_t field, const char *bytes,
                      size_t length);
void sandbox_set_integer(struct sandbox_record *record, uint32_t field, int64_t value);
void sandbox_set_boolean(struct sandbox_record *record, uint32_t field, bool value);
void sandbox_set_decimal(struct sandbox_record *record, uint32_t field, sandbox_units value);
void sandbox_set_number(struct sandbox_record *record, uint32_t field, double value);
void sandbox_set_count(struct sandbox_record *list, uint32_t count);
uint32_t sandbox_count(const struct sandbox_record *record); /* list: elements; record: fields */
/* Makes a record a global; before sandbox_seal. */
void sandbox_set_global(struct sandbox *box, const char *name, const struct sandbox_record *record);

/* ---- what happened --------------------------------------------------------------------------- */

enum sandbox_end {
    SANDBOX_OK,
    SANDBOX_FAILED,       /* the script raised an error        */
    SANDBOX_SYNTAX,       /* the text does not compile         */
    SANDBOX_INSTRUCTIONS, /* the instruction budget is used up */
    SANDBOX_TIME,         /* the wall time is used up          */
    SANDBOX_MEMORY,       /* the heap is at its cap            */
    SANDBOX_OUTPUT,       /* more printed than allowed         */
    SANDBOX_CANCELLED,    /* sandbox_cancel                    */
    SANDBOX_MISUSE,       /* the host asked for what is not there (not a function, a taken name) */
    SANDBOX_DIED,         /* the worker process is gone; so is the box */
};

struct sandbox_failure {
    enum sandbox_end end;
    char text[512];   /* one sentence, "gates.lua:12: attempt to ..."; UTF-8 is not promised */
    char file[128];   /* "" when unknown */
    int line;         /* 0 when unknown */
    char source[200]; /* the line itself, trimmed; "" when unknown */
    char trace[1024]; /* Lua frames only, innermost first: "  gates.lua:12 in check\n" */
};

const char *sandbox_end_name(enum sandbox_end end); /* "ok", "error", "instructions", ... */
bool sandbox_end_is_kill(enum sandbox_end end);     /* a limit, a cancel, a dead worker */
const struct sandbox_failure *sandbox_failure(const struct sandbox *box); /* of the last failure */
const char *sandbox_output(const struct sandbox *box, size_t *length);   /* of the last call */

struct sandbox_meter {
    uint64_t limit, current, maximum; /* current: now (memory) or the last call; maximum: of all */
};
struct sandbox_usage { /* instructions: to the last look, so in whole thousands or less */
    struct sandbox_meter memory_bytes, instructions, wall_us, output_bytes, depth;
    uint64_t calls, errors, kills;
};
void sandbox_usage(const struct sandbox *box, struct sandbox_usage *out);
int64_t sandbox_took_us(const struct sandbox *box); /* the last call; part of the usage */

#ifdef __cplusplus
}
#endif
#endif
