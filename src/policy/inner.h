/* What the files of this room share and nobody else sees.
 *
 * A strategy (struct policy) is a name with a live version and the one before it. A version is one
 * sandbox with the folder's texts in it, the Lua functions found there, and the frozen records its
 * facts are poured into. */
#ifndef TIDELOCK_POLICY_INNER_H
#define TIDELOCK_POLICY_INNER_H
#include "policy/policy.h"
#include "policy/table_lines.h"
#include "script/bind.h"

#define GATE_MAX 32
#define PARAM_MAX 64
#define CHOICE_MAX 16
#define EXTRA_MAX 32
#define LAYER_MAX 32    /* open layers a policy sees */
#define STARTED_MAX 256 /* instruments one strategy follows bars of */
#define INPUT_MAX 32    /* values in one gate's inputs or sizing's numbers */
#define WINDOW 100      /* calls the error limit looks back on */
#define FILE_MAX 64
#define FILE_SIZE_MAX (256 * 1024)

struct gate {
    const char *name;
    int check;
    uint64_t passed, rejected, deferred, failed;
};

enum param_type { PARAM_DECIMAL, PARAM_INTEGER, PARAM_BOOLEAN, PARAM_CHOICE };
struct param {
    const char *name, *doc;
    enum param_type type;
    bool has_min, has_max, has_default;
    struct decimal min, max;
    const char *choices[CHOICE_MAX + 1];
    const char *fallback, *value; /* canonical texts */
    struct decimal number;        /* of value, for decimals and integers */
    bool flag;
};

enum extra_type { EXTRA_DECIMAL, EXTRA_TEXT, EXTRA_BOOLEAN };
struct extra {
    const char *name;
    enum extra_type type;
};

/* The records of one version, and what they were last filled from. */
struct views {
    const void *facts_object; /* how Lua holds `facts`: telling it from other values is one look */
    struct sandbox_record *facts, *signal, *extra, *instrument, *positions, *pyramid, *portfolio,
        *stats;
    struct sandbox_record *bar, *fill, *difference, *due;
    /* what the records show, so that only what has changed is filled again */
    uint64_t shown_reading;
    struct instrument shown_instrument;
    struct position shown_layers[LAYER_MAX];
    struct pyramid shown_pyramid;
    struct portfolio shown_portfolio;
    struct stat shown_stat;
    bool has[8]; /* by place in the facts record: shown, not nil */
};

struct started { /* what `start` returned for one instrument */
    char instrument[NAME_SIZE];
    int ref; /* 0: nothing */
};

/* The keys of size's answer and of sizing's options, kept as Lua strings, so that neither reading
 * nor writing them hashes anything. */
enum size_key {
    KEY_QUANTITY,
    KEY_STOP,
    KEY_KIND,
    KEY_TIF,
    KEY_RISK_PERCENT,
    KEY_VOLATILITY_PERCENT,
    KEY_BLENDED,
    KEY_ER,
    KEY_BASE_SHARE,
    KEY_PROFIT_SHARE,
    KEY_COUNT
};
extern const char *const size_key_names[KEY_COUNT];

enum hook {
    HOOK_SIZE,
    HOOK_EXIT_SIZE,
    HOOK_START,
    HOOK_ON_BAR,
    HOOK_ON_FILL,
    HOOK_ON_SILENCE,
    HOOK_RECONCILE,
    HOOK_ROLLOVER,
    HOOK_MIGRATE,
    HOOK_COUNT
};
extern const char *const hook_names[HOOK_COUNT + 1];

/* Handed to callers that prepare versions themselves as struct policy_prepared. */
struct apart;
struct version {
    struct sandbox *box; /* NULL: it runs in a worker process, and */
    struct apart *apart; /* this is the way to it */
    struct arena arena;
    struct policy_version row;
    char description[200];
    bool any_instrument;
    const char **instruments;
    size_t instrument_count;
    struct gate gates[GATE_MAX];
    size_t gate_count, stock_gates;
    struct param params[PARAM_MAX];
    size_t param_count;
    struct extra extras[EXTRA_MAX];
    size_t extra_count;
    int hooks[HOOK_COUNT]; /* references to functions; 0: absent */
    int keys[KEY_COUNT];   /* references to the texts */
    int driver;            /* all gates and size in one call */
    const char *state;     /* JSON of the declared defaults; NULL: none */
    struct views views;
    const struct bind_type *indicator_type;
    struct indicator *indicators; /* all that scripts made, newest first */
    size_t indicator_bytes;
    struct started started[STARTED_MAX];
    size_t started_count, started_last; /* last: the one used most recently */
    const struct facts *facts;          /* of the running call, read by bindings directly */
    int layer;                          /* of the signal: Long_3 is 3 */
    bool tracing;                       /* the running decision is recorded: figures are wanted */
    struct bar bar;                     /* being fed, read by indicators directly */
    struct arena scratch;               /* of one call */

    uint8_t window[WINDOW]; /* 1: that call failed */
    size_t window_at, window_failures;
    uint64_t decisions, accepted, rejected, deferred, failures, bars, signals;
    int64_t took_last_us, took_most_us;
    char last_error[REASON_SIZE];
};

struct policy {
    char name[NAME_SIZE];
    struct policies *home;
    struct version *live, *previous;
    uint64_t swaps, rollbacks;
    struct metric *decisions[4]; /* by verdict */
    struct metric *failures, *took;
};

struct stock_file {
    const char *name;  /* "tidelock.sizing" */
    const char *chunk; /* "lua/sizing.lua" */
    const char *text;
    size_t length;
};

struct policies {
    struct policies_options options;
    struct policy **list;
    size_t count, room;
    struct arena arena; /* the stock library's texts */
    struct stock_file *stock;
    size_t stock_count;
    char stock_hash[FINGERPRINT_SIZE];
    struct err stock_fault;   /* the library could not be read: no version loads */
    char (*apart)[NAME_SIZE]; /* strategies that run in workers */
    size_t apart_count;
    policies_change_fn changed;
    void *changed_ctx;
};

/* Every fault of one strategy: the whole list goes to the report, the first one to the error. */
struct faults {
    struct str *report; /* may be NULL */
    const struct table_lines *lines;
    const char *file;
    char first[REASON_SIZE];
    size_t count;
};
/* "strategy.lua:14: params.risk.typ is not known; did you mean type?" The path gives the line;
 * NULL: none. */
void fault_add(struct faults *faults, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The box's last failure, in the report with its source line and who called whom. */
void fault_script(struct faults *faults, const struct sandbox *box);
/* Uses in one file of names that plain Lua has and policies have not. */
void fault_withheld(struct faults *faults, const struct policy_source *file);
/* The name nearest to `text` when it is near enough for a typing mistake, else NULL. */
const char *fault_near(const char *text, const char *const *names);

/* stock.c */
void stock_read(struct policies *policies);

/* version.c: compile, run, check; NULL when there was any fault. *row is filled either way. */
struct version_ask {
    const struct policy_version *row; /* in a worker: what the host found; else NULL */
    const char *strategy, *author;
    const struct policy_source *files;
    size_t file_count;
    const struct policy_params *params;
    size_t param_count;
};
struct version *version_build(struct policies *policies, const struct version_ask *ask,
                              struct policy_version *row, struct faults *faults);
void version_free(struct version *version);

/* driver.c: gates and size as one Lua function, for decisions that are not traced */
bool driver_make(struct version *version);
void driver_keep_keys(struct version *version);
size_t driver_progress(struct version *version); /* the gate that ran last, from 1; 0: size */

/* shape.c, params.c: what strategy.lua returned, into the version */
void shape_read(struct version *version, int module, struct faults *faults);
void params_read(struct version *version, const struct sandbox_value *table, struct faults *faults);
void params_apply(struct version *version, const struct policy_params *given, size_t count,
                  struct faults *faults);
void params_show(struct version *version); /* the global `params` */
void params_describe(const struct version *version, struct str *json);

/* decide.c */
bool decide_is_multiple(struct decimal quantity, const struct instrument *instrument);

/* verdict.c: pass, reject, defer */
void verdict_bind(struct sandbox *box);
/* ta.c: indicators */
void ta_bind(struct version *version);
void ta_free(struct version *version);
/* rules.c: the arithmetic of the stock library */
void rules_bind(struct version *version);
const struct bind_function *rules_find(const char *name); /* NULL: no such rule */
/* trail.c */
int trail_step(lua_State *L);
/* gate.c: rules.gate(name, options...), a gate's check that is one C function */
int gate_make(lua_State *L);

/* views.c: facts to records */
void views_open(struct version *version);
void views_fill(struct version *version, const struct facts *facts);
void views_fill_bar(struct version *version, const struct bar *bar);
void views_fill_fill(struct version *version, const struct fill *fill);
void views_fill_difference(struct version *version, const struct difference *difference);
void views_fill_due(struct version *version, const struct due *due);

/* facts_json.c: what a trace keeps */
void facts_json(const struct facts *facts, struct str *json);

/* values.c: a script's values as JSON, keys sorted; `depth` levels of tables at most */
void value_json(struct sandbox *box, const struct sandbox_value *value, int depth,
                struct str *json);
bool value_decimal(const struct sandbox_value *value, struct decimal *out);
/* The first result of the last call as a reference, kept beyond it; 0: nil. */
int value_keep(struct sandbox *box);
/* The text of a value for a sentence: 3, "x", nil, a table. */
const char *value_show(const struct sandbox_value *value, char *out, size_t size);

/* policy.c */
void policy_note(struct policy *policy, bool failed, const char *why); /* error window, roll-back */

/* annotations.c: what editors are told, from the rows of facts and of bindings */
void annotations_put(struct version *version, struct str *out);
#endif
