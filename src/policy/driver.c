/* The gates in order and then size, as one Lua function: one protected call a decision instead of
 * one a gate. Used when nobody wants the figures of gates that passed. */
#include "policy/inner.h"

#include <string.h>

/* Returns a maker: (size, checks...) to a function(f) that gives the number of the gate that did
 * not pass and what it said, or 0 and what size said. `at` is for whoever asks how far it came. */
static const char text[] = "return function(size, ...)\n"
                           "    local checks, count, at = { ... }, select('#', ...), 0\n"
                           "    return function(f)\n"
                           "        for i = 1, count do\n"
                           "            at = i\n"
                           "            local said, a, b, c = checks[i](f)\n"
                           "            if said ~= true then return i, said, a, b, c end\n"
                           "        end\n"
                           "        at = 0\n"
                           "        return 0, size(f)\n"
                           "    end\n"
                           "end\n";

const char *const size_key_names[KEY_COUNT] = {
    "quantity",           "stop",    "kind", "tif",        "risk_percent",
    "volatility_percent", "blended", "er",   "base_share", "profit_share"};

void driver_keep_keys(struct version *version)
{
    lua_State *L = bind_state(version->box);

    for (int i = 0; i < KEY_COUNT; i++) {
        lua_pushstring(L, size_key_names[i]);
        version->keys[i] = luaL_ref(L, LUA_REGISTRYINDEX);
    }
}

bool driver_make(struct version *version)
{
    int maker;

    if (!sandbox_load(version->box, text, strlen(text), "driver", &maker))
        return false;
    sandbox_start(version->box, maker);
    sandbox_push_ref(version->box, version->hooks[HOOK_SIZE]);
    for (size_t i = 0; i < version->gate_count; i++)
        sandbox_push_ref(version->box, version->gates[i].check);
    if (!sandbox_run(version->box))
        return false;
    version->driver = value_keep(version->box);
    return version->driver != 0;
}

size_t driver_progress(struct version *version)
{
    lua_State *L = bind_state(version->box);
    const char *name;
    size_t at = 0;

    lua_rawgeti(L, LUA_REGISTRYINDEX, version->driver);
    for (int i = 1; (name = lua_getupvalue(L, -1, i)); i++) {
        if (text_equal(name, "at"))
            at = (size_t)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return at <= version->gate_count ? at : 0;
}
