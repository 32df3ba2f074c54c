/* The life of a box, and calls into it. */
#include "script/sandbox.h"
#include "script/inner.h"
#include "script/remote.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLER 1 /* stack slot of the message handler, for the whole life */
#define PATH_MOST 200
#define ARGUMENTS_MOST 200

static void fill_defaults(struct sandbox_limits *limits) {
    if (!limits->memory_bytes) limits->memory_bytes = 8u << 20;
    if (!limits->instructions) limits->instructions = 1000000;
    if (!limits->wall_ms) limits->wall_ms = 25;
    if (!limits->output_bytes) limits->output_bytes = 64u << 10;
    if (!limits->depth || limits->depth > 100) limits->depth = 100;
    if (!limits->source_bytes) limits->source_bytes = 256u << 10;
}

static const struct tag kill_tag = {"kill"};

static int no_way_back(lua_State *L) {
    (void)L;
    abort(); /* an error outside every protected call: nothing here may raise there */
}

static struct sandbox *make(const struct sandbox_limits *limits) {
    struct sandbox *box = mem_alloc(sizeof *box);
    if (limits) box->limits = *limits;
    fill_defaults(&box->limits);
    arena_init(&box->arena, 4096);
    chance_seed(&box->chance, box->limits.seed);
    box->output.max = box->limits.output_bytes;
    return box;
}

struct sandbox *sandbox_open(const struct sandbox_options *options) {
    assert(options->size == sizeof *options && "another version of the header");
    if (options->isolation == SANDBOX_IN_PROCESS) return sandbox_new(&options->limits);
    struct sandbox *box = make(&options->limits);
    remote_open(box, options->workers);
    return box;
}

struct sandbox *sandbox_new(const struct sandbox_limits *limits) {
    struct sandbox *box = make(limits);
    box->L = lua_newstate(allot_lua, box);
    assert(box->L && "the interpreter refuses to start");
    lua_atpanic(box->L, no_way_back);
    lua_pushcfunction(box->L, fault_handler);
    lua_newuserdata(box->L,
                    sizeof(struct tag *)); /* the value of a kill: unlike any that a script has */
    *(const struct tag **)lua_touserdata(box->L, -1) = &kill_tag;
    box->killed_ref = luaL_ref(box->L, LUA_REGISTRYINDEX);
    /* Garbage is mostly decimals of past calls, cheap to hold; near the cap the guard collects. */
    lua_gc(box->L, LUA_GCSETPAUSE, 400);
    scope_open(box);
    assert(lua_gettop(box->L) == HANDLER);
    return box;
}

void sandbox_free(struct sandbox *box) {
    if (!box) return;
    assert(!box->running);
    if (box->remote)
        remote_free(box);
    else
        lua_close(box->L);
    record_free(box);
    modules_free(box);
    arena_free(&box->arena);
    str_free(&box->output);
    str_free(&box->answer_texts);
    allot_free(box);
    mem_free(box);
}

void sandbox_set_limits(struct sandbox *box, const struct sandbox_limits *limits) {
    assert(!box->running);
    box->limits = limits ? *limits : (struct sandbox_limits){0};
    fill_defaults(&box->limits);
    box->output.max = box->limits.output_bytes;
    if (box->remote) remote_limits(box);
}

void sandbox_seed(struct sandbox *box, uint64_t seed) {
    if (box->remote)
        remote_seed(box, seed);
    else
        chance_seed(&box->chance, seed);
}

void sandbox_cancel(struct sandbox *box) {
    if (box->remote)
        remote_cancel(box);
    else
        __atomic_store_n(&box->cancel, 1, __ATOMIC_RELAXED);
}

/* Collecting runs no code of a script: nothing a script can make has a finaliser. */
bool sandbox_tidy(struct sandbox *box) {
    assert(!box->running);
    if (box->remote) return remote_ask(box, OP_TIDY);
    return lua_gc(box->L, LUA_GCSTEP, 100) != 0;
}

static void collect(struct sandbox *box) {
    lua_gc(box->L, LUA_GCCOLLECT, 0);
    box->since_collect = 0;
}

/* The function and its arguments stand above the handler; results take their place. */
static bool run(struct sandbox *box, int arguments) {
    lua_State *L = box->L;
    record_refresh(box);
    guard_begin(box);
    int status = lua_pcall(L, arguments, LUA_MULTRET, HANDLER);
    guard_finish(box);
    box->calls++;
    box->results = lua_gettop(L) - HANDLER;
    if (status == 0 && box->end == SANDBOX_OK) return true;
    box->results = 0;
    fault_record(box, status);
    modules_unwind(box, 0);
    lua_settop(L, HANDLER);
    if (box->end == SANDBOX_MEMORY || box->used > box->limits.memory_bytes / 2) collect(box);
    return false;
}

static bool compile(struct sandbox *box, const char *text, size_t length, const char *chunk) {
    lua_State *L = box->L;
    char name[200];
    lua_settop(L, HANDLER);
    box->results = 0;
    if (length > box->limits.source_bytes)
        return fault_misuse(box, "%s is %zu bytes long; a file may have %zu", chunk, length,
                            box->limits.source_bytes);
    modules_keep(box, NULL, chunk, text, length);
    snprintf(name, sizeof name, "@%s", chunk);
    guard_begin(box); /* the cap holds for the compiler too */
    int status = text_load(L, text, length, name);
    guard_finish(box);
    if (status == 0 && box->end == SANDBOX_OK) return true;
    box->place.taken = false;
    fault_record(box, status);
    lua_settop(L, HANDLER);
    return false;
}

bool sandbox_compiles(struct sandbox *box, const char *source, size_t length, const char *chunk) {
    if (box->remote) return remote_load(box, OP_COMPILES, source, length, chunk, NULL);
    bool ok = compile(box, source, length, chunk);
    lua_settop(box->L, HANDLER);
    return ok;
}

bool sandbox_load(struct sandbox *box, const char *source, size_t length, const char *chunk,
                  int *ref) {
    *ref = 0;
    if (box->remote) return remote_load(box, OP_LOAD, source, length, chunk, ref);
    if (!compile(box, source, length, chunk) || !run(box, 0)) return false;
    lua_settop(box->L, HANDLER + 1);
    *ref = lua_isnil(box->L, -1) ? 0 : luaL_ref(box->L, LUA_REGISTRYINDEX);
    lua_settop(box->L, HANDLER);
    box->results = 0;
    return true;
}

void sandbox_unref(struct sandbox *box, int ref) {
    if (box->remote)
        remote_op_u32(box, OP_UNREF, (uint32_t)ref);
    else if (ref > 0)
        luaL_unref(box->L, LUA_REGISTRYINDEX, ref);
}

/* One step of a path on the table on top: "name" or "[3]"; replaces the table by the value. False:
 * the path is wrong. */
static bool step_into(lua_State *L, const char **path) {
    const char *at = *path;
    if (*at == '[') {
        char *end;
        long index = strtol(at + 1, &end, 10);
        if (*end != ']' || index < 1 || index > 1000000) return false;
        *path = end + 1;
        lua_rawgeti(L, -1, (int)index);
    } else {
        if (*at == '.') at++;
        size_t length = strcspn(at, ".[");
        if (length == 0 || length > PATH_MOST) return false;
        *path = at + length;
        lua_pushlstring(L, at, length);
        lua_rawget(L, -2);
    }
    lua_replace(L, -2);
    return true;
}

int sandbox_find(struct sandbox *box, int ref, const char *path) {
    lua_State *L = box->L;
    assert(!box->running);
    if (box->remote) return remote_find(box, ref, path);
    int top = lua_gettop(L), found = 0;
    if (!lua_checkstack(L, 4)) return 0;
    if (ref > 0)
        lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    else
        lua_pushnil(L);
    while (*path && lua_istable(L, -1) && step_into(L, &path)) continue;
    if (!*path && !lua_isnil(L, -1)) {
        lua_pushvalue(L, -1);
        found = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_settop(L, top);
    return found;
}

void sandbox_start(struct sandbox *box, int ref) {
    lua_State *L = box->L;
    assert(!box->running);
    if (box->remote) {
        remote_start(box, ref);
        return;
    }
    lua_settop(L, HANDLER);
    box->results = 0;
    if (ref > 0)
        lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    else
        lua_pushnil(L);
}

static lua_State *room_for_argument(struct sandbox *box) {
    lua_State *L = box->L;
    int top = lua_gettop(L);
    assert(!box->running && top > HANDLER && top < HANDLER + 1 + ARGUMENTS_MOST);
    if (top >= 15) lua_checkstack(L, 8); /* the first ones always have room */
    return L;
}

static void push(struct sandbox *box, const struct sandbox_value *value) {
    if (box->remote)
        remote_push(box, value);
    else
        call_push(room_for_argument(box), value, value->text);
}

void sandbox_push_nil(struct sandbox *box) {
    push(box, &(struct sandbox_value){.type = SANDBOX_NIL});
}

void sandbox_push_boolean(struct sandbox *box, bool value) {
    push(box, &(struct sandbox_value){.type = SANDBOX_BOOLEAN, .boolean = value});
}

void sandbox_push_integer(struct sandbox *box, int64_t value) {
    push(box, &(struct sandbox_value){.type = SANDBOX_INTEGER, .integer = value});
}

void sandbox_push_number(struct sandbox *box, double value) {
    push(box, &(struct sandbox_value){.type = SANDBOX_NUMBER, .number = value});
}

void sandbox_push_decimal(struct sandbox *box, sandbox_units value) {
    assert(decimal_ok((struct decimal){value}));
    push(box, &(struct sandbox_value){.type = SANDBOX_DECIMAL, .units = value});
}

void sandbox_push_text(struct sandbox *box, const char *bytes, size_t length) {
    push(box, &(struct sandbox_value){.type = SANDBOX_TEXT, .text = bytes, .length = length});
}

bool sandbox_push_decimal_text(struct sandbox *box, const char *text) {
    sandbox_units units;
    if (!sandbox_parse_units(text, &units))
        return fault_misuse(box, "'%.60s' is no exact number", text);
    sandbox_push_decimal(box, units);
    return true;
}

void sandbox_push_table(struct sandbox *box) {
    if (box->remote)
        remote_op(box, OP_PUSH_TABLE);
    else
        lua_newtable(room_for_argument(box));
}

void sandbox_put_field(struct sandbox *box, const char *name) {
    if (box->remote) {
        remote_field(box, name);
        return;
    }
    lua_State *L = room_for_argument(box);
    assert(lua_gettop(L) > HANDLER + 2 && lua_istable(L, -2));
    lua_pushstring(L, name);
    lua_insert(L, -2);
    lua_rawset(L, -3);
}

void sandbox_put_element(struct sandbox *box, uint32_t index) {
    if (box->remote) {
        remote_element(box, index);
        return;
    }
    lua_State *L = room_for_argument(box);
    assert(lua_gettop(L) > HANDLER + 2 && lua_istable(L, -2) && index >= 1 && index <= 100000);
    lua_rawseti(L, -2, (int)index);
}

void sandbox_push_ref(struct sandbox *box, int ref) {
    if (box->remote)
        remote_op_u32(box, OP_PUSH_REF, (uint32_t)ref);
    else
        lua_rawgeti(room_for_argument(box), LUA_REGISTRYINDEX, ref);
}

void sandbox_push_record(struct sandbox *box, const struct sandbox_record *record) {
    if (box->remote)
        remote_op_u32(box, OP_PUSH_RECORD, record_number(record));
    else
        bind_push_record(room_for_argument(box), record);
}

bool sandbox_run(struct sandbox *box) {
    if (box->remote) return remote_run(box);
    lua_State *L = box->L;
    assert(!box->running && lua_gettop(L) > HANDLER);
    if (lua_type(L, HANDLER + 1) != LUA_TFUNCTION) {
        const char *what = luaL_typename(L, HANDLER + 1);
        lua_settop(L, HANDLER);
        return fault_misuse(box, "a function was to be called, but it is a %s", what);
    }
    return run(box, lua_gettop(L) - HANDLER - 1);
}

unsigned sandbox_results(const struct sandbox *box) {
    if (box->remote) return box->remote->results;
    return (unsigned)box->results;
}

void sandbox_done(struct sandbox *box) {
    assert(!box->running);
    if (box->remote) {
        remote_op(box, OP_DONE);
    } else {
        lua_settop(box->L, HANDLER);
        box->results = 0;
    }
}

const char *sandbox_output(const struct sandbox *box, size_t *length) {
    if (length) *length = box->output.length;
    return str_text(&box->output);
}

void sandbox_usage(const struct sandbox *box, struct sandbox_usage *out) {
    const struct sandbox_limits *limits = &box->limits;
    if (box->remote) {
        *out = box->remote->usage;
        return;
    }
    *out = (struct sandbox_usage){
        .memory_bytes = {limits->memory_bytes, box->used, box->used_most},
        .instructions = {limits->instructions, box->spent, box->spent_most},
        .wall_us = {limits->wall_ms * UINT64_C(1000), (uint64_t)box->took_us,
                    (uint64_t)box->took_most_us},
        .output_bytes = {limits->output_bytes, box->output.length, box->output_most},
        .depth = {limits->depth, box->depth_call, box->depth_most},
        .calls = box->calls,
        .errors = box->errors,
        .kills = box->kills,
    };
}

int64_t sandbox_took_us(const struct sandbox *box) {
    return box->remote ? (int64_t)box->remote->usage.wall_us.current : box->took_us;
}

struct sandbox *bind_sandbox(lua_State *L) {
    return inner_box(L);
}

lua_State *bind_state(struct sandbox *box) {
    assert(!box->running && box->L && "the interpreter is in a worker");
    return box->L;
}
