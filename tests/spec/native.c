/* The host's policy room as a Lua module for specs: the same sandbox, decimals, indicators and
 * facts as in production, driven from busted. Everything crosses as JSON text;
 * lua/tidelock/testing.lua makes it comfortable.
 *
 * Built as build/tidelock_test.so from this file and libtidelock.a. */
#include "policy/policy.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#define HANDLE "tidelock.policy"

struct handle {
    struct policies *policies;
    struct policy *policy;
    struct arena arena;
};

static int fail(lua_State *L, struct handle *handle, struct str *report, const struct err *err)
{
    lua_pushnil(L);
    lua_pushstring(L, report && report->length > 0 ? str_text(report) : err->text);
    if (report)
        str_free(report);
    arena_reset(&handle->arena);
    return 2;
}

static struct handle *new_handle(lua_State *L, const char *stock)
{
    const struct policies_options options = {
        .stock_dir = stock, .clock = clock_real(), .error_limit = 1000};
    struct handle *handle = lua_newuserdata(L, sizeof *handle);

    memset(handle, 0, sizeof *handle);
    arena_init(&handle->arena, 16 << 10);
    handle->policies = policies_new(&options);
    luaL_getmetatable(L, HANDLE);
    lua_setmetatable(L, -2);
    return handle;
}

/* The parameters of a table { name = text } at `index`. */
static size_t read_params(lua_State *L, int index, struct arena *arena,
                          struct policy_params *params, size_t room)
{
    size_t count = 0;

    if (!lua_istable(L, index))
        return 0;
    for (lua_pushnil(L); lua_next(L, index) != 0 && count < room; lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        params[count].name = arena_text(arena, lua_tostring(L, -1));
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        params[count].value = lua_isboolean(L, -1) ? (lua_toboolean(L, -1) ? "true" : "false")
                                                   : arena_text(arena, lua_tostring(L, -1));
        lua_pop(L, 1);
        count++;
    }
    return count;
}

/* open(stock folder, strategy name, folder or nil, text or nil, params or nil) → handle | nil,
 * report */
static int open_policy(lua_State *L)
{
    const char *stock = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2);
    const char *folder = luaL_optstring(L, 3, NULL), *text = luaL_optstring(L, 4, NULL);
    struct policy_source one = {"strategy.lua", text, text ? strlen(text) : 0}, *files = &one;
    struct policy_params params[64];
    struct policy_version row;
    struct str report = STR_EMPTY;
    struct err err = {.class = ERR_NONE};
    struct handle *handle = new_handle(L, stock);
    size_t count = 1, param_count = read_params(L, 5, &handle->arena, params, 64);

    if (folder && !policy_read_folder(folder, &handle->arena, &files, &count, &err))
        return fail(L, handle, NULL, &err);
    if (!policies_load(handle->policies, name, files, count, params, param_count, "spec", &row,
                       &report, &err))
        return fail(L, handle, &report, &err);
    str_free(&report);
    arena_reset(&handle->arena);
    handle->policy = policies_find(handle->policies, name);
    return 1;
}

static int close_policy(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, HANDLE);

    policies_free(handle->policies);
    arena_free(&handle->arena);
    handle->policies = NULL;
    return 0;
}

static struct json *parse(struct handle *handle, const char *text, struct err *err)
{
    return json_parse(&handle->arena, text, strlen(text), NULL, err);
}

static void put_decimal(struct str *out, const char *name, struct decimal value)
{
    if (!decimal_ok(value))
        return;
    str_printf(out, ",\"%s\":\"", name);
    str_put_decimal(out, value);
    str_putc(out, '"');
}

static void put_intent(struct str *out, const struct intent *intent, const struct str *trace)
{
    str_printf(out, "{\"verdict\":\"%s\",\"gate\":", verdict_names[intent->verdict]);
    str_put_json(out, intent->gate);
    str_puts(out, ",\"reason\":");
    str_put_json(out, intent->reason);
    str_printf(out, ",\"kind\":\"%s\",\"tif\":\"%s\",\"defer_us\":%lld",
               order_kind_names[intent->kind], order_tif_names[intent->tif],
               (long long)intent->defer_us);
    put_decimal(out, "quantity", intent->quantity);
    put_decimal(out, "stop", intent->stop);
    put_decimal(out, "limit_price", intent->limit_price);
    put_decimal(out, "stop_price", intent->stop_price);
    str_puts(out, ",\"trace\":");
    str_puts(out, str_text(trace));
    str_putc(out, '}');
}

/* decide(handle, facts as JSON) → intent as JSON | nil, error */
static int decide(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, HANDLE);
    const char *text = luaL_checkstring(L, 2);
    struct str trace = STR_EMPTY, out = STR_EMPTY;
    struct facts facts;
    struct intent intent;
    struct err err;
    const struct json *root = parse(handle, text, &err);

    if (!root || !policy_facts_read(root, &handle->arena, &facts, &err))
        return fail(L, handle, NULL, &err);
    policy_decide(handle->policy, &facts, &intent, &trace);
    put_intent(&out, &intent, &trace);
    lua_pushlstring(L, str_text(&out), out.length);
    str_free(&trace);
    str_free(&out);
    arena_reset(&handle->arena);
    return 1;
}

static void put_signal(struct str *out, const struct bar_signal *signal)
{
    str_printf(out, "{\"type\":\"%s\",\"position\":\"%s\",\"side\":\"%s\",\"note\":",
               signal_type_names[signal->type], signal->position, side_names[signal->side]);
    str_put_json(out, signal->note);
    put_decimal(out, "price", signal->price);
    put_decimal(out, "stop", signal->stop);
    put_decimal(out, "atr", signal->atr);
    put_decimal(out, "quantity", signal->quantity);
    str_putc(out, '}');
}

static void put_stop(struct str *out, const struct bar_stop *stop)
{
    str_printf(out, "{\"type\":\"STOP\",\"position\":\"%s\"", stop->position);
    put_decimal(out, "stop", stop->stop);
    str_putc(out, '}');
}

/* bar(handle, facts as JSON, bar as JSON) → list of signals, list of stop moves, as JSON | nil,
 * error */
static int on_bar(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, HANDLE);
    const char *facts_text = luaL_checkstring(L, 2), *bar_text = luaL_checkstring(L, 3);
    struct str out = STR_EMPTY;
    struct bar_signals signals;
    struct facts facts;
    struct bar bar;
    struct err err;
    const struct json *facts_root = parse(handle, facts_text, &err);
    const struct json *bar_root = facts_root ? parse(handle, bar_text, &err) : NULL;

    if (!bar_root || !policy_facts_read(facts_root, &handle->arena, &facts, &err) ||
        !policy_bar_read(bar_root, &bar, &err) ||
        !policy_on_bar(handle->policy, &facts, &bar, &signals, &err))
        return fail(L, handle, NULL, &err);
    str_putc(&out, '[');
    for (size_t i = 0; i < signals.count; i++) {
        str_puts(&out, i ? "," : "");
        put_signal(&out, &signals.list[i]);
    }
    str_putc(&out, ']');
    lua_pushlstring(L, str_text(&out), out.length);
    str_clear(&out);
    str_putc(&out, '[');
    for (size_t i = 0; i < signals.stop_count; i++) {
        str_puts(&out, i ? "," : "");
        put_stop(&out, &signals.stops[i]);
    }
    str_putc(&out, ']');
    lua_pushlstring(L, str_text(&out), out.length);
    str_free(&out);
    arena_reset(&handle->arena);
    return 2;
}

static int describe(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, HANDLE);
    struct str out = STR_EMPTY;

    policy_describe(handle->policy, &out);
    lua_pushlstring(L, str_text(&out), out.length);
    str_free(&out);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_tidelock_test(lua_State *L)
{
    static const luaL_Reg functions[] = {{"open", open_policy},
                                         {"decide", decide},
                                         {"bar", on_bar},
                                         {"describe", describe},
                                         {NULL, NULL}};

    luaL_newmetatable(L, HANDLE);
    lua_pushcfunction(L, close_policy);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
