/* The host's own functions and constants, over plain values: no type of the interpreter shows, and
 * no error jumps over a frame of the host's, so they may be written in any language. */
#include "script/remote.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NAME_MOST 60

struct function {
    sandbox_function call;
    void *host;
};

unsigned sandbox_arguments(const struct sandbox_call *call) { return call->argument_count; }

void sandbox_argument(const struct sandbox_call *call, unsigned index, struct sandbox_value *out) {
    if (index < call->argument_count)
        *out = call->arguments[index];
    else
        *out = (struct sandbox_value){.type = SANDBOX_NIL};
}

void sandbox_answer(struct sandbox_call *call, const struct sandbox_value *value) {
    assert(call->answer_count < CALL_ANSWERS_MOST && "too many answers");
    struct sandbox_value *answer = &call->answers[call->answer_count++];
    *answer = *value;
    if (value->type != SANDBOX_TEXT) return;
    answer->integer = (int64_t)call->texts->length;
    str_put(call->texts, value->text, value->length);
}

bool sandbox_refuse(struct sandbox_call *call, const char *sentence) {
    text_copy(call->refusal, sizeof call->refusal, sentence);
    return false;
}

void call_push(lua_State *L, const struct sandbox_value *value, const char *text) {
    struct decimal decimal = {0};
    switch (value->type) {
    case SANDBOX_BOOLEAN: lua_pushboolean(L, value->boolean); break;
    case SANDBOX_NUMBER: lua_pushnumber(L, value->number); break;
    case SANDBOX_TEXT: lua_pushlstring(L, text, value->length); break;
    case SANDBOX_DECIMAL: bind_push_decimal(L, (struct decimal){value->units}); break;
    case SANDBOX_INTEGER:
        decimal = decimal_int(value->integer);
        if ((double)value->integer <= INNER_EXACT_MOST &&
            (double)value->integer >= -INNER_EXACT_MOST)
            lua_pushnumber(L, (double)value->integer);
        else
            bind_push_decimal(L, decimal);
        break;
    default: lua_pushnil(L);
    }
}

static int call_function(lua_State *L) {
    struct sandbox *box = inner_box(L);
    const struct function *function = lua_touserdata(L, lua_upvalueindex(1));
    struct sandbox_value arguments[CALL_ARGUMENTS_MOST];
    struct sandbox_call call = {.arguments = arguments, .texts = &box->answer_texts};
    int count = lua_gettop(L);
    if (count > CALL_ARGUMENTS_MOST)
        return luaL_error(L, "at most %d arguments are taken", CALL_ARGUMENTS_MOST);
    for (int i = 0; i < count; i++) value_describe(box, i + 1, &arguments[i]);
    call.argument_count = (unsigned)count;
    str_clear(call.texts);
    guard_charge(L, box, 50);
    if (!function->call(function->host, &call))
        return luaL_error(L, "%s", *call.refusal ? call.refusal : "the host refused");
    guard_charge(L, box, call.texts->length / 64);
    luaL_checkstack(L, CALL_ANSWERS_MOST + 8, NULL);
    for (unsigned i = 0; i < call.answer_count; i++) {
        const struct sandbox_value *answer = &call.answers[i];
        size_t place = answer->type == SANDBOX_TEXT ? (size_t)answer->integer : 0;
        call_push(L, answer, str_text(call.texts) + place);
    }
    return (int)call.answer_count;
}

static bool is_name(const char *name, size_t length) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return length > 0 && length <= NAME_MOST && strspn(name, letters) >= length &&
           !(*name >= '0' && *name <= '9');
}

/* Whether the global is there; leaves the stack as it was. */
static bool is_taken(struct sandbox *box, const char *name) {
    lua_State *L = box->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, box->environment_ref);
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    bool taken = !lua_isnil(L, -1);
    lua_pop(L, 2);
    return taken;
}

/* Pushes the raw table of the host's library, made and shown frozen at first; false: the name is
 * something else's. */
static bool open_library(struct sandbox *box, const char *name) {
    lua_State *L = box->L;
    lua_pushfstring(L, "host.%s", name);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (lua_istable(L, -1)) return true;
    lua_pop(L, 1);
    if (is_taken(box, name)) return false;
    lua_newtable(L);
    lua_pushfstring(L, "host.%s", name);
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    scope_freeze(L, name);
    scope_set(box, name);
    return true;
}

bool call_set_name(struct sandbox *box, const char *name) {
    lua_State *L = box->L;
    const char *dot = strchr(name, '.'), *last = dot ? dot + 1 : name;
    char library[NAME_MOST + 1] = "";
    size_t length = dot ? (size_t)(dot - name) : 0;
    assert(!box->running && !box->sealed && "names are given before the seal");
    bool ok = is_name(last, strlen(last)) && (!dot || is_name(name, length));
    if (ok && dot) {
        memcpy(library, name, length);
        ok = open_library(box, library);
        if (ok) {
            lua_pushstring(L, last);
            lua_rawget(L, -2);
            ok = lua_isnil(L, -1);
            lua_pop(L, 1);
            lua_insert(L, -2);
            if (ok) lua_setfield(L, -2, last);
            lua_pop(L, ok ? 1 : 2);
        } else {
            lua_pop(L, 1);
        }
    } else if (ok && !is_taken(box, name)) {
        scope_set(box, name);
    } else {
        ok = false;
        lua_pop(L, 1);
    }
    return ok || fault_misuse(box, "'%.80s' is taken, or is no name", name);
}

bool sandbox_set_function(struct sandbox *box, const char *name, sandbox_function function,
                          void *host) {
    if (box->remote) return remote_function(box, name, function, host);
    struct function *row = arena_alloc(&box->arena, sizeof *row);
    *row = (struct function){function, host};
    lua_checkstack(box->L, 10);
    lua_pushlightuserdata(box->L, row);
    lua_pushcclosure(box->L, call_function, 1);
    return call_set_name(box, name);
}

bool sandbox_set_constant(struct sandbox *box, const char *name,
                          const struct sandbox_value *value) {
    if (box->remote) return remote_constant(box, name, value);
    lua_checkstack(box->L, 10);
    call_push(box->L, value, value->text);
    return call_set_name(box, name);
}
