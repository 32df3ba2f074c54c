/* Budgets: the count hook that looks at instructions, clock, cancellation and heap every so often,
 * and the kill that cannot be caught.
 *
 * A kill raises one value made at boot and sets the hook to fire at every instruction, so whatever
 * a script does with the error, its next instruction raises again; the room's own pcall passes it
 * on at once. */
#include "script/inner.h"

#include <assert.h>
#include <time.h>

static int64_t read_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t guard_now_us(void) { return read_us(CLOCK_MONOTONIC); }

/* A busy machine takes the processor away for longer than most calls last, and that is no fault of
 * the call. To know what a call itself used would cost a system call at each begin, so it is asked
 * only here: once the wall time is over, a fifth of it in processor time is left. */
static bool is_late(struct sandbox *box) {
    if (guard_now_us() < box->deadline_us) return false;
    int64_t used_us = read_us(CLOCK_THREAD_CPUTIME_ID);
    if (box->grace_us == 0) box->grace_us = used_us + (int64_t)box->limits.wall_ms * 200 + 1;
    return used_us >= box->grace_us;
}

static void look(lua_State *L, lua_Debug *where);

static uint32_t next_interval(const struct sandbox *box) {
    uint32_t interval = allot_interval(box);
    uint64_t left =
        box->limits.instructions > box->spent ? box->limits.instructions - box->spent : 1;
    return left < interval ? (uint32_t)left : interval;
}

void guard_hurry(struct sandbox *box) {
    if (box->end == SANDBOX_OK) lua_sethook(box->L, look, LUA_MASKCOUNT, 1);
}

void guard_raise(lua_State *L) {
    lua_settop(L, 0); /* room for one value is then certain */
    lua_rawgeti(L, LUA_REGISTRYINDEX, inner_box(L)->killed_ref);
    lua_error(L);
    __builtin_unreachable();
}

void guard_kill(lua_State *L, enum sandbox_end end) {
    struct sandbox *box = inner_box(L);
    if (box->end == SANDBOX_OK) {
        box->end = end;
        fault_here(L, box);
        lua_sethook(L, look, LUA_MASKCOUNT, 1);
    }
    guard_raise(L);
}

static enum sandbox_end verdict(struct sandbox *box) {
    box->spent += box->owed;
    box->owed = 0;
    if (__atomic_load_n(&box->cancel, __ATOMIC_RELAXED)) return SANDBOX_CANCELLED;
    if (box->spent >= box->limits.instructions) return SANDBOX_INSTRUCTIONS;
    if (is_late(box)) return SANDBOX_TIME;
    return SANDBOX_OK;
}

/* The collector has no emergency mode: it would let the cap refuse an allocation while garbage lies
 * around. So near the cap it is pushed until it has freed a sixteenth of it or come round once. */
static void collect_near_cap(lua_State *L, struct sandbox *box) {
    size_t cap = box->limits.memory_bytes;
    if (box->used > cap - cap / 4 && box->since_collect > cap / 32) {
        box->since_collect = 0;
        lua_gc(L, LUA_GCSTEP, (int)(cap / 16 / 1024));
    }
}

static void look(lua_State *L, lua_Debug *where) {
    (void)where;
    struct sandbox *box = inner_box(L);
    if (box->end != SANDBOX_OK) guard_raise(L);
    box->spent += box->interval;
    enum sandbox_end end = verdict(box);
    if (end != SANDBOX_OK) guard_kill(L, end);
    collect_near_cap(L, box);
    uint32_t interval = next_interval(box);
    if (interval != box->interval || lua_gethookcount(L) != (int)interval) {
        box->interval = interval;
        lua_sethook(L, look, LUA_MASKCOUNT, (int)interval);
    }
}

void guard_check(lua_State *L, struct sandbox *box) {
    if (!box->running) { /* the host's own use of a binding */
        box->owed = 0;
        return;
    }
    enum sandbox_end end = box->end != SANDBOX_OK ? box->end : verdict(box);
    if (end != SANDBOX_OK) guard_kill(L, end);
}

bool guard_in_time(struct sandbox *box) {
    if (box->end != SANDBOX_OK) return false;
    if (__atomic_load_n(&box->cancel, __ATOMIC_RELAXED))
        box->end = SANDBOX_CANCELLED;
    else if (is_late(box))
        box->end = SANDBOX_TIME;
    return box->end == SANDBOX_OK;
}

void guard_enter(lua_State *L, struct sandbox *box, uint32_t most) {
    if (box->depth >= most || box->depth >= box->limits.depth)
        luaL_error(
            L, "nested too deeply: at most %d levels of pcall, sort, gsub, require and tostring",
            (int)(most < box->limits.depth ? most : box->limits.depth));
    box->depth++;
    if (box->depth > box->depth_call) box->depth_call = box->depth;
}

void guard_begin(struct sandbox *box) {
    assert(!box->running && "a call inside a call");
    box->end = SANDBOX_OK;
    box->spent = box->owed = 0;
    box->depth = box->depth_call = 0;
    if (box->output.length) str_clear(&box->output);
    box->place.taken = box->crowded = false;
    __atomic_store_n(&box->cancel, 0, __ATOMIC_RELAXED);
    box->start_us = guard_now_us();
    box->deadline_us = box->start_us + (int64_t)box->limits.wall_ms * 1000;
    box->grace_us = 0;
    box->interval = next_interval(box);
    box->running = true;
    lua_sethook(box->L, look, LUA_MASKCOUNT, (int)box->interval);
}

void guard_finish(struct sandbox *box) {
    box->running = false;
    box->spent += box->owed;
    box->owed = 0;
    box->took_us = guard_now_us() - box->start_us;
    if (box->took_us > box->took_most_us) box->took_most_us = box->took_us;
    if (box->spent > box->spent_most) box->spent_most = box->spent;
    if (box->depth_call > box->depth_most) box->depth_most = box->depth_call;
    if (box->output.length > box->output_most) box->output_most = box->output.length;
    box->depth = 0;
}

void bind_charge(lua_State *L, uint64_t steps) { guard_charge(L, inner_box(L), steps); }
