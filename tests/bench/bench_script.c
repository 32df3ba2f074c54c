/* What a bounded call costs: ns for each kind of call, against the same call without bounds. Ends
 * with a table of two figures and their limits, and exit code 1 when one is missed: a bounded call
 * of a small policy costs at most twice the same call without bounds, and a new state at most
 * 200 us. Processor time of this thread, because the machine may be shared. */
#include "base/decimal.h"
#include "script/bind.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 15, STATE_MOST_NS = 200000 };
static const double times_most = 2.0;

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median over rounds of the mean of a round. */
static double measure(void (*once)(void *context), void *context, int repeat) {
    double rounds[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < repeat; i++) once(context);
        rounds[round] = (now_ns() - start) / repeat;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    return rounds[ROUNDS / 2];
}

static void report(const char *name, double ns) { printf("%-58s %10.1f ns\n", name, ns); }

struct call {
    struct sandbox *box;
    int ref;
    struct sandbox_record *facts, *signal;
    int turn;
};

static int load(struct sandbox *box, const char *text) {
    int ref;
    if (!sandbox_load(box, text, strlen(text), "bench.lua", &ref)) {
        fprintf(stderr, "%s\n", sandbox_failure(box)->text);
        exit(1);
    }
    return ref;
}

static void run_or_exit(struct sandbox *box) {
    if (sandbox_run(box)) return;
    fprintf(stderr, "%s\n", sandbox_failure(box)->text);
    exit(1);
}

static void bounded_empty(void *context) {
    struct call *call = context;
    sandbox_start(call->box, call->ref);
    run_or_exit(call->box);
}

static void plain_empty(void *context) {
    lua_State *L = context;
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pcall(L, 0, LUA_MULTRET, 0);
}

static void decide(void *context) {
    struct call *call = context;
    int turn = ++call->turn;
    sandbox_set_text(call->signal, 0, turn % 2 ? "BUY" : "SELL", turn % 2 ? 3 : 4);
    for (uint32_t field = 1; field < 12; field++)
        sandbox_set_decimal(call->signal, field,
                            (sandbox_units)1000000000000 * (turn % 1000 + 100) + field);
    sandbox_start(call->box, call->ref);
    sandbox_push_record(call->box, call->facts);
    run_or_exit(call->box);
    struct sandbox_value value;
    sandbox_result(call->box, 0, &value);
}

/* The same function and facts by the interpreter's own protected call: no hook, no clock. */
static void decide_unbounded(void *context) {
    struct call *call = context;
    lua_State *L = bind_state(call->box);
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->ref);
    bind_push_record(L, call->facts);
    if (lua_pcall(L, 1, LUA_MULTRET, 0) != 0) exit(1);
    lua_settop(L, top);
}

static void decide_bounded(void *context) {
    struct call *call = context;
    sandbox_start(call->box, call->ref);
    sandbox_push_record(call->box, call->facts);
    run_or_exit(call->box);
    sandbox_done(call->box);
}

/* The least of rounds that alternate, so that what disturbs one disturbs the other. */
static double ratio_of(struct call *call, double *bounded, double *unbounded) {
    *bounded = *unbounded = 1e12;
    for (int round = 0; round < 3 * ROUNDS; round++) {
        double times[3];
        times[0] = now_ns();
        for (int i = 0; i < 5000; i++) decide_bounded(call);
        times[1] = now_ns();
        lua_sethook(bind_state(call->box), NULL, 0, 0);
        for (int i = 0; i < 5000; i++) decide_unbounded(call);
        times[2] = now_ns();
        if ((times[1] - times[0]) / 5000 < *bounded) *bounded = (times[1] - times[0]) / 5000;
        if ((times[2] - times[1]) / 5000 < *unbounded) *unbounded = (times[2] - times[1]) / 5000;
    }
    return *bounded / *unbounded;
}

static int judge(const char *what, double value, const char *unit, double most) {
    bool ok = value <= most;
    printf("%-58s %10.2f %s (at most %.0f) %s\n", what, value, unit, most, ok ? "pass" : "MISSED");
    return !ok;
}

static void loop(void *context) {
    struct call *call = context;
    sandbox_start(call->box, call->ref);
    sandbox_push_integer(call->box, 1000);
    run_or_exit(call->box);
}

static void make_state(void *context) {
    (void)context;
    sandbox_free(sandbox_new(NULL));
}

static double per_turn(struct sandbox *box, const char *body) {
    char text[512];
    snprintf(text, sizeof text,
             "local a, b, s, f = decimal('101.25'), decimal('3.5'), 'key = value', math.floor "
             "return function(n) for i = 1, n do %s end end",
             body);
    struct call call = {.box = box, .ref = load(box, text)};
    return measure(loop, &call, 300) / 1000;
}

static const struct sandbox_field_row signal_rows[] = {
    {.name = "side", .kind = SANDBOX_KIND_TEXT},
    {.name = "price", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "stop", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "atr", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "equity", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "margin", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "available", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "risk", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "vol", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "last", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "open", .kind = SANDBOX_KIND_DECIMAL},
    {.name = "most", .kind = SANDBOX_KIND_DECIMAL},
};
static const struct sandbox_shape signal_shape = {
    .name = "signal", .rows = signal_rows, .count = 12};
static const struct sandbox_field_row facts_rows[] = {
    {.name = "signal", .kind = SANDBOX_KIND_RECORD, .shape = &signal_shape}};
static const struct sandbox_shape facts_shape = {.name = "facts", .rows = facts_rows, .count = 1};

static const char decision[] =
    "local gap, zero, heat = decimal('0.5'), decimal(0), decimal('1000000')\n"
    "local function age(f) if f.signal.price <= zero then return 'reject', 'no price' end return "
    "'pass' end\n"
    "local function spacing(f) local s = f.signal if s.price - s.last < -s.atr * gap then return "
    "'reject' end "
    "return 'pass' end\n"
    "local function room(f) if f.signal.open > heat then return 'reject' end return 'pass' end\n"
    "local function size(f) local s = f.signal\n"
    "  local by_risk = s.equity * s.risk / (s.price + s.stop)\n"
    "  local by_vol = s.equity * s.vol / s.atr\n"
    "  local by_margin = s.available / s.margin\n"
    "  return by_risk:min(by_vol, by_margin):floor() end\n"
    "local gates = {age, spacing, room}\n"
    "return function(f) for i = 1, 3 do local v, why = gates[i](f) if v ~= 'pass' then return v, "
    "why end end "
    "return size(f) end\n";

static const char small[] =
    "local most, zero = decimal('1000000'), decimal(0)\n"
    "return function(f) local s = f.signal\n"
    "  if s.price <= zero then return 'reject', 'no price' end\n"
    "  if s.side ~= 'BUY' and s.side ~= 'SELL' then return 'reject', 'no side' end\n"
    "  if s.open > most then return 'reject', 'heat' end\n"
    "  if s.margin > s.available then return 'reject', 'margin' end\n"
    "  if s.stop >= s.price then return 'reject', 'stop' end\n"
    "  return 'pass' end\n";

int main(void) {
    struct sandbox *box =
        sandbox_new(&(struct sandbox_limits){.instructions = 10000000, .wall_ms = 1000});
    struct call empty = {.box = box, .ref = load(box, "return function() end")};
    lua_State *plain = luaL_newstate();
    if (luaL_loadstring(plain, "return")) return 1;
    double base = measure(plain_empty, plain, 100000),
           bounded = measure(bounded_empty, &empty, 100000);
    report("lua_pcall of an empty function, no bounds", base);
    report("sandbox_start + sandbox_run of an empty function", bounded);
    report("  what the bounds cost", bounded - base);
    lua_close(plain);
    double turn = per_turn(box, "");
    report("empty loop turn", turn);
    report("decimal a + b", per_turn(box, "local x = a + b") - turn);
    report("decimal a * b", per_turn(box, "local x = a * b") - turn);
    report("decimal a / b", per_turn(box, "local x = a / b") - turn);
    report("decimal a * 3", per_turn(box, "local x = a * 3") - turn);
    report("decimal a * 0.5 (by its shortest text)", per_turn(box, "local x = a * 0.5") - turn);
    report("decimal a < b", per_turn(box, "local x = a < b") - turn);
    report("decimal a:floor()", per_turn(box, "local x = a:floor()") - turn);
    report("s:match('^(%w+)%s*=%s*(%w+)$')",
           per_turn(box, "local x = s:match('^(%w+)%s*=%s*(%w+)$')") - turn);
    report("s:gsub('%w+', 'x')", per_turn(box, "local x = s:gsub('%w+', 'x')") - turn);
    report("math.floor through the frozen view", per_turn(box, "local x = math.floor(i)") - turn);
    report("pcall(f, 1)", per_turn(box, "local x = pcall(f, 1)") - turn);
    struct call call = {
        .box = box, .facts = sandbox_record_new(box, &facts_shape), .ref = load(box, decision)};
    call.signal = sandbox_child(call.facts, 0);
    int small_ref = load(box, small);
    sandbox_seal(box);
    report("decision: 12 facts in, 3 gates, sizing, quantity out", measure(decide, &call, 20000));
    double with, without, state = measure(make_state, NULL, 100);
    report("new and free a box", state);
    int missed = judge("the same decision, bounded against not",
                       ratio_of(&call, &with, &without), "x", times_most);
    printf("%60s%.1f ns against %.1f ns\n", "", with, without);
    call.ref = small_ref;
    missed += judge("a small policy of five checks, bounded against not",
                    ratio_of(&call, &with, &without), "x", times_most);
    printf("%60s%.1f ns against %.1f ns\n", "", with, without);
    missed += judge("a new state", state / 1e3, "us", STATE_MOST_NS / 1e3);
    sandbox_free(box);
    return missed > 0;
}
