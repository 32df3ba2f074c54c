/* The gates in order and then size, as one Lua function: one protected call a decision instead of
 * one a gate. Used when nobody wants the figures of gates that passed. */
#include "policy/inner.h"

#include <string.h>

/* Returns a maker: (progress, size, checks...) to a function(f) that gives the number of the gate
 * that did not pass and what it said, or 0 and what size said. */
static const char text[] = "return function(progress, size, ...)\n"
                           "    local checks, count = { ... }, select('#', ...)\n"
                           "    return function(f)\n"
                           "        for i = 1, count do\n"
                           "            progress.at = i\n"
                           "            local said, a, b, c = checks[i](f)\n"
                           "            if said ~= true then return i, said, a, b, c end\n"
                           "        end\n"
                           "        progress.at = 0\n"
                           "        return 0, size(f)\n"
                           "    end\n"
                           "end\n";

static void keep_keys(struct version *version)
{
    static const char *const names[KEY_COUNT] = {"quantity", "stop", "kind", "tif"};
    lua_State *L = bind_state(version->box);

    for (int i = 0; i < KEY_COUNT; i++) {
        lua_pushstring(L, names[i]);
        version->keys[i] = luaL_ref(L, LUA_REGISTRYINDEX);
    }
}

bool driver_make(struct version *version)
{
    int maker;

    keep_keys(version);
    if (!sandbox_load(version->box, "return { at = 0 }", 17, "progress", &version->progress) ||
        !sandbox_load(version->box, text, strlen(text), "driver", &maker))
        return false;
    sandbox_start(version->box, maker);
    sandbox_push_ref(version->box, version->progress);
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
    struct sandbox_value table, at;

    sandbox_peek(version->box, version->progress, &table);
    sandbox_field(version->box, &table, "at", &at);
    return at.type == SANDBOX_INTEGER && at.integer >= 0 &&
                   at.integer <= (int64_t)version->gate_count
               ? (size_t)at.integer
               : 0;
}
