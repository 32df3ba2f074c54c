/* What the files of this room share about a box, and nobody else sees.
 *
 * A box is found from its lua_State without a look-up: it is the allocator's argument. Two modes:
 * while a script runs (`running`) the heap cap holds and allocation may fail, which raises inside
 * the protected call; between calls the host's own pushes are not capped, because a failure there
 * would have nobody to catch it. */
#ifndef TIDELOCK_SCRIPT_INNER_H
#define TIDELOCK_SCRIPT_INNER_H
#include "base/chance.h"
#include "base/mem.h"
#include "base/str.h"
#include "script/bind.h"
#include "script/sandbox.h"

#define INNER_CACHE_CLASSES 16 /* blocks of up to 256 bytes, in steps of 16 */
#define INNER_BIG_CLASSES 48   /* blocks by power of two */
#define INNER_STRING_MOST (1u << 20)
#define INNER_KEYS_MOST 4096u
#define INNER_EXACT_MOST 9007199254740992.0 /* 2^53 */

struct source { /* a text that was loaded or handed in for require */
    struct source *next;
    char *name; /* for require; NULL: only loaded */
    char *chunk;
    char *text;
    size_t length;
    enum { SOURCE_NEW, SOURCE_RUNNING, SOURCE_DONE } state;
    uint32_t depth; /* nesting at which it runs */
    int ref;        /* SOURCE_DONE: its value */
};

struct stale {
    const struct sandbox_record *record;
    uint32_t place;
};

struct spare { /* a freed small block waiting for reuse */
    struct spare *next;
};

struct remote;
struct sandbox {
    lua_State *L;          /* NULL: the interpreter is in a worker */
    struct remote *remote; /* and this is the way to it */
    struct sandbox_limits limits;
    bool running;
    bool sealed;
    bool lenient; /* the cap is lifted for a moment: see lib_json.c */
    bool crowded; /* the running call asked for a table with too many keys: see allot.c */
    int cancel;   /* atomic */

    /* heap (allot.c) */
    size_t used, used_most;
    struct spare *spare[INNER_CACHE_CLASSES];
    uint32_t spare_bytes[INNER_CACHE_CLASSES];
    uint32_t big[INNER_BIG_CLASSES];
    uint64_t bigs; /* a bit for each class that is not empty */
    size_t since_collect; /* bytes asked for since the last full collection */

    /* budget (guard.c) */
    enum sandbox_end end; /* of the running call; set once, then every way out leads to the host */
    uint64_t spent, spent_most;
    uint64_t owed;     /* work of C functions and large allocations that is not in `spent` yet */
    uint32_t interval; /* instructions until the next look */
    int64_t start_us, deadline_us, took_us, took_most_us;
    int64_t grace_us; /* of the thread's processor time; 0: the deadline has not come */
    uint32_t depth, depth_call, depth_most; /* now; deepest of this call; of all */

    /* output */
    struct str output;
    size_t output_most;

    /* what happened (fault.c) */
    struct {
        bool taken; /* of the running call */
        int line;
        char file[128];
        char trace[1024];
    } place;
    struct sandbox_failure failure;
    uint64_t calls, errors, kills;

    struct source *sources;
    int results;                    /* of the last call; what is read out stands above them */
    struct sandbox_record *records; /* newest first */
    uint32_t record_count;
    struct stale *stale;            /* fields whose Lua value is out of date */
    size_t stale_count, stale_room;
    struct bind_type *types;
    struct bind_told *told; /* newest first */
    struct str answer_texts; /* of the host's function that runs */
    struct arena arena;
    struct chance chance;
    int killed_ref;      /* what a kill raises; made at boot, so that raising allocates nothing */
    int environment_ref; /* the globals table */
    int decimal_meta_ref, keys_ref;
};

static inline struct sandbox *inner_box(lua_State *L) {
    void *box;
    lua_getallocf(L, &box);
    return box;
}

/* Every userdata a script can hold starts with the address of one of these, so telling them apart
 * is one load. The only light userdata is the null of json, which is NULL. */
struct tag {
    const char *name; /* what type() says */
};
extern const struct tag number_decimal_tag, record_tag;

struct bind_type { /* a host's own */
    struct tag tag; /* first: the object's first word is its address */
    struct bind_type *next;
    int meta_ref;
};

static inline const struct tag *inner_tag(lua_State *L, int index) {
    const struct tag *const *object = lua_touserdata(L, index);
    return object ? *object : NULL;
}

/* allot.c: the capped allocator */
void *allot_lua(void *box, void *old, size_t old_size, size_t size);
void allot_free(struct sandbox *box);
uint32_t allot_interval(const struct sandbox *box);

/* guard.c: budgets */
void guard_begin(struct sandbox *box);
void guard_finish(struct sandbox *box);
void guard_hurry(struct sandbox *box); /* look as soon as the interpreter runs again */
/* False once the running call is cancelled or out of time: it then ends so, without a raise. */
bool guard_in_time(struct sandbox *box);
_Noreturn void guard_kill(lua_State *L, enum sandbox_end end);
_Noreturn void guard_raise(lua_State *L); /* passes a kill on */
void guard_check(lua_State *L, struct sandbox *box);
static inline void guard_charge(lua_State *L, struct sandbox *box, uint64_t steps) {
    box->owed += steps;
    if (box->owed >= 1000) guard_check(L, box);
}
/* One level deeper; raises when that is too deep. */
void guard_enter(lua_State *L, struct sandbox *box, uint32_t most);
static inline void guard_leave(struct sandbox *box) { box->depth--; }
int64_t guard_now_us(void);

/* fault.c: what went wrong and where */
int fault_handler(lua_State *L); /* message handler of every protected call */
/* Notes place and trace of the running function; allocates nothing. */
void fault_here(lua_State *L, struct sandbox *box);
/* Fills the box's failure after a call that ended badly; `status` is lua_pcall's and the error
 * value is on top. */
void fault_record(struct sandbox *box, int status);
/* The host's own mistake; returns false. */
bool fault_misuse(struct sandbox *box, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* scope.c: the names a script sees */
void scope_open(struct sandbox *box);
/* Puts a frozen view of the table on top of the stack in its place. */
void scope_freeze(lua_State *L, const char *name);
void scope_set(struct sandbox *box, const char *name); /* pops the top into a global */

/* value.c: what stands in a stack slot */
void value_describe(struct sandbox *box, int slot, struct sandbox_value *out);

/* call.c: functions of the host over plain values. A call is filled by whoever runs the function:
 * the interpreter's side here, or the other end of a worker's socket. */
#define CALL_ARGUMENTS_MOST 50
#define CALL_ANSWERS_MOST 16
struct sandbox_call {
    const struct sandbox_value *arguments;
    unsigned argument_count, answer_count;
    struct sandbox_value answers[CALL_ANSWERS_MOST]; /* a text's place in `texts` is its integer */
    struct str *texts;
    char refusal[256];
};
void call_push(lua_State *L, const struct sandbox_value *value, const char *text);
/* Sets the value on top of the stack under the name; pops it. */
bool call_set_name(struct sandbox *box, const char *name);

/* modules.c: texts and require */
struct source *modules_keep(struct sandbox *box, const char *name, const char *chunk,
                            const char *text, size_t length);
const struct source *modules_of_chunk(const struct sandbox *box, const char *chunk);
/* Modules that were running deeper than this are new again. */
void modules_unwind(struct sandbox *box, uint32_t depth);
void modules_open(struct sandbox *box);
void modules_free(struct sandbox *box);

/* text.c: compiles like luaL_loadbufferx, in bounded time and only plain Lua; `chunk` starts with
 * '@'. */
int text_load(lua_State *L, const char *text, size_t length, const char *chunk);
struct scan { /* of a text, token by token */
    const char *at, *end;
    int line, jumps;
    const char *fault;
    const char *word; /* the last token, when it was a name or keyword */
    size_t word_length;
    char symbol; /* its first character; a blank for comments */
};
void text_begin(struct scan *scan, const char *text, size_t length);
void text_token(struct scan *scan); /* while at < end */

/* withheld.c: what to use instead of a global of plain Lua; NULL: no such global */
const char *withheld_advice(const char *name);

/* grow.c: a text under construction, in the box's own heap so that a kill leaks nothing */
struct grow {
    lua_State *L;
    int slot; /* keeps the block alive */
    char *data;
    size_t length, room;
    char first[256];
};
void grow_open(struct grow *grow, lua_State *L); /* pushes one value that must stay on the stack */
void grow_add(struct grow *grow, const char *bytes, size_t length);
/* Room for at most length bytes; the caller then adds to grow->length. */
char *grow_room(struct grow *grow, size_t length);
/* The text of a string, number or decimal; raises for others. */
void grow_add_value(struct grow *grow, int index);
int grow_finish(struct grow *grow); /* pushes the text; 1 */

/* pattern.c: Lua's patterns, with a bound on the work */
#define PATTERN_CAPTURES 32
#define PATTERN_POSITION (-2)
struct pattern {
    lua_State *L;
    struct sandbox *box;
    const char *subject, *subject_end;
    const char *text, *text_end;
    size_t steps, unpaid; /* the former without the latter */
    int depth, level;
    struct {
        const char *start;
        ptrdiff_t length; /* PATTERN_POSITION, or -1 while open */
    } capture[PATTERN_CAPTURES];
};
void pattern_open(struct pattern *pattern, lua_State *L, const char *subject, size_t subject_length,
                  const char *text, size_t text_length);
/* The end of a match that begins exactly at `at`, or NULL. */
const char *pattern_match(struct pattern *pattern, const char *at);
/* Pushes capture i (the whole match, start to end, when the pattern has none and i is 0). */
void pattern_push_capture(struct pattern *pattern, int i, const char *start, const char *end);
int pattern_push_captures(struct pattern *pattern, const char *start, const char *end);

/* the libraries: each adds to or replaces in tables that are open */
void lib_base_open(struct sandbox *box);
void lib_string_open(struct sandbox *box);
void lib_pattern_open(struct sandbox *box);
void lib_table_open(struct sandbox *box);
void lib_json_open(struct sandbox *box);
void number_open(struct sandbox *box);
void record_open(struct sandbox *box);
void record_free(struct sandbox *box);
void record_refresh(struct sandbox *box); /* before a call */
/* `meta` is where the decimals' metatable stands; 1. */
int number_push(lua_State *L, struct decimal value, int meta);
bool number_from_double(double value, sandbox_units *out);
/* Text of any value without addresses, pushed. */
const char *lib_base_text(lua_State *L, int index, size_t *length);
/* For pairs and ipairs when argument 1 is a record: push three values. */
int record_pairs(lua_State *L);
int record_ipairs(lua_State *L);
/* Of a record's field, not a list's. */
const char *record_name(const struct sandbox_record *record, uint32_t field);
uint32_t record_number(const struct sandbox_record *record); /* in the order of making */
bool record_is_list(const struct sandbox_record *record);
enum sandbox_kind record_kind(const struct sandbox_record *record, uint32_t field);
/* A list's first element when its elements are records, else NULL. */
const struct sandbox_record *record_first_child(const struct sandbox_record *list);
void record_push_element(lua_State *L, const struct sandbox_record *record, uint32_t field);
#endif
