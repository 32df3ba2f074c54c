/* Composes hostile programs from a grammar and runs each in a box with small budgets: loops without
 * end, recursion, caught errors, metamethods, patterns, comparators, callbacks, large texts and
 * tables, all inside each other. Each must end within its budget and 25 ms of processor time, and
 * leave a box that works.
 *
 *     test_hostile [--programs 500] [--seed 1] [--show]
 *
 * A failure prints its seed and program; `--seed N --programs 1 --show` replays it. */
#include "attack/scene.h"
#include "base/chance.h"
#include "base/str.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define NEST_MOST 5
#define TEXT_MOST 6000u
#define REUSE 40 /* programs in one box */
#define TRIES 5
#define MEMORY_MOST (10u << 20) /* the default cap, and what json holds for a moment */
#define COUNT_OF(rows) (sizeof(rows) / sizeof *(rows))

struct maker {
    struct chance chance;
    struct str text;
    int nest;
};

static void put_value(struct maker *m);
static void put_block(struct maker *m, int most);

static size_t below(struct maker *m, size_t limit) { return chance_below(&m->chance, limit); }

#define PICK(m, rows) rows[below(m, COUNT_OF(rows))]

static void put(struct maker *m, const char *text) { str_puts(&m->text, text); }

static void put_template(struct maker *m, const char *template);

static void put_number(struct maker *m) {
    static const char *const rows[] = {"0",
                                       "1",
                                       "-1",
                                       "2",
                                       "7",
                                       "100",
                                       "3000",
                                       "1e6",
                                       "1e9",
                                       "2^31",
                                       "2^53",
                                       "-2^63",
                                       "1/0",
                                       "-1/0",
                                       "0/0",
                                       "0.5",
                                       "1e308",
                                       "5e-324",
                                       "#s",
                                       "#t",
                                       "a",
                                       "b",
                                       "a + 1",
                                       "b % 7",
                                       "s:len()",
                                       "math.random(100)",
                                       "(tonumber(s) or 3)"};
    put(m, PICK(m, rows));
}

static void put_text(struct maker *m) {
    static const char *const rows[] = {"s",
                                       "''",
                                       "'x'",
                                       "'a-b=c d'",
                                       "'12.5'",
                                       "('ab'):rep(50)",
                                       "('x'):rep(3000)",
                                       "('x'):rep($n)",
                                       "tostring($v)",
                                       "s:upper()",
                                       "s:sub($n, $n)",
                                       "(s .. $v)",
                                       "'\\0\\255%'",
                                       "('%5.2f|%s|%q'):format($n, $v, s)",
                                       "table.concat(t, $v)",
                                       "s:rep(3)",
                                       "s:reverse()",
                                       "('('):rep(500)",
                                       "('x'):rep(200000)",
                                       "string.char(65, 37, 0)",
                                       "json.encode($v)"};
    put_template(m, PICK(m, rows));
}

static void put_pattern(struct maker *m) {
    static const char *const atoms[] = {"a",      ".",    "%a", "[ab]", "[^%s]",  "%w",
                                        "(a)",    "()",   "%1", "%b()", "%f[%w]", "(.)",
                                        "[%w_-]", "(.-)", "x",  "%z"};
    static const char *const quantifiers[] = {"", "", "*", "+", "-", "?"};
    if (below(m, 8) == 0) {
        put_text(m);
        return;
    }
    put(m, below(m, 5) ? "('" : "('^");
    for (size_t n = below(m, 6) + 1; n > 0; n--) {
        put(m, PICK(m, atoms));
        put(m, PICK(m, quantifiers));
    }
    put(m, below(m, 5) ? "')" : "$')");
    if (below(m, 6) == 0) put(m, ":rep(9)");
}

static void put_table(struct maker *m) {
    static const char *const rows[] = {
        "t",
        "u",
        "{}",
        "{1, 2, 3}",
        "{$v, $v, x = $v}",
        "{unpack(t)}",
        "setmetatable({}, u)",
        "setmetatable({$v}, {__index = $f, __newindex = $f})",
        "f",
        "f.closes",
        "setmetatable({}, {__call = $f, __concat = $f, __unm = $f, __len = $f})",
        "setmetatable({}, {__lt = $f, __le = $f, __eq = $f, __add = $f})",
        "setmetatable({}, {__tostring = $f, __mode = 'kv'})",
        "setmetatable($t, {__index = $t})"};
    put_template(m, PICK(m, rows));
}

static void put_function(struct maker *m) {
    static const char *const rows[] = {"g",
                                       "pcall",
                                       "tostring",
                                       "next",
                                       "function() return $v end",
                                       "function(a, b) $b return $v end",
                                       "function(...) $b return ... end",
                                       "function(a) return g(a, $v) end",
                                       "error",
                                       "math.max",
                                       "function(a, b) return a < b end",
                                       "string.rep",
                                       "function() while true do $b end end",
                                       "table.sort",
                                       "unpack",
                                       "setmetatable",
                                       "string.gsub",
                                       "require",
                                       "select",
                                       "decimal"};
    put_template(m, PICK(m, rows));
}

static void put_value(struct maker *m) {
    static const char *const rows[] = {"$n",
                                       "$n",
                                       "$s",
                                       "$s",
                                       "$t",
                                       "$t",
                                       "$f",
                                       "nil",
                                       "true",
                                       "false",
                                       "d",
                                       "decimal($v)",
                                       "$x",
                                       "$x",
                                       "($v + $v)",
                                       "($v .. $v)",
                                       "($v < $v)",
                                       "($v == $v)",
                                       "-($v)",
                                       "#($v)",
                                       "(not $v)",
                                       "($t)[$v]",
                                       "($t).x",
                                       "(g($v, $v))",
                                       "s:find($p, $n)",
                                       "s:match($p)",
                                       "(s:gsub($p, $s))",
                                       "(s:gsub($p, $f, $n))",
                                       "(s:gsub($p, $t))",
                                       "select($n, $v, $v)",
                                       "($s):byte($n, $n)",
                                       "pcall($f, $v, $v)",
                                       "math.floor($n)",
                                       "d:round($v)",
                                       "d * $v",
                                       "bit.bxor($n, $n)",
                                       "json.decode($s)",
                                       "type($v)",
                                       "tonumber($s, $n)",
                                       "f.signal.price",
                                       "next($t)",
                                       "s:find($s, $n, true)",
                                       "unpack($t, $n, $n)",
                                       "rawget($t, $v)",
                                       "getmetatable($v)"};
    put_template(m, PICK(m, rows));
}

static void put_statement(struct maker *m) {
    static const char *const rows[] = {"while true do $b end",
                                       "while $v do $b end",
                                       "for i = 1, $n do a = i $b end",
                                       "for i = $n, $n, $n do $b end",
                                       "repeat $b until $v",
                                       "for k, v in pairs($t) do a = v $b end",
                                       "for k, v in ipairs($t) do $b end",
                                       "for k in next, $t do $b end",
                                       "for w in s:gmatch($p) do b = w $b end",
                                       "pcall(function() $b end)",
                                       "pcall(function() $b end)",
                                       "pcall(function() $b end)",
                                       "pcall($f, $v, $v)",
                                       "while true do pcall(function() $b end) end",
                                       "g = $f",
                                       "g = function(x, y) $b return g(x, y) end",
                                       "g = function(x) $b return 1 + g(x) end",
                                       "table.sort($t, $f)",
                                       "table.sort(t, function(x, y) $b return x < y end)",
                                       "a = s:gsub($p, function(x, y) $b return x end)",
                                       "s = $s",
                                       "t = $t",
                                       "u = $t",
                                       "s = s .. s",
                                       "t[#t + 1] = $v",
                                       "t[$v] = $v",
                                       "u[$v] = $v",
                                       "table.insert(t, $n, $v)",
                                       "table.remove(t, $n)",
                                       "a = $v",
                                       "b = $v",
                                       "error($v)",
                                       "if $v then $b else $b end",
                                       "do return $v end",
                                       "print($v, $v)",
                                       "setmetatable(u, {__index = $f})",
                                       "for i = 1, 3000 do t[i] = $v end",
                                       "for i = 1, 1e9 do u[i] = {i, s} end",
                                       "g($v, unpack(t))",
                                       "u = {u, u}",
                                       "d = d + $v",
                                       "assert($v, $v)",
                                       "json.encode($t)",
                                       "tostring($t)",
                                       "x = $v",
                                       "require($s)",
                                       "f.x = $v",
                                       "a, b = $v, $v",
                                       "rawset($t, $v, $v)",
                                       "for i = 1, 200 do u = setmetatable({}, {__index = u}) end"};
    bool guarded = below(m, 3) != 0;
    put(m, guarded ? "pcall(function() " : "do ");
    put_template(m, PICK(m, rows));
    put(m, guarded ? " end)\n" : " end\n");
}

/* $n a number, $s a text, $p a pattern, $t a table, $f a function, $v any value, $b a block, $x a
 * variable; short ones once the program is deep or long enough. */
static void put_hole(struct maker *m, char kind) {
    static const struct {
        char kind;
        const char *brief;
        void (*put)(struct maker *m);
    } holes[] = {{'n', "7", put_number}, {'s', "s", put_text},     {'p', "'a*b'", put_pattern},
                 {'t', "t", put_table},  {'f', "g", put_function}, {'v', "a", put_value}};
    static const char *const variables[] = {"a", "b", "s", "t", "u", "d", "g", "f"};
    for (size_t i = 0; i < COUNT_OF(holes); i++) {
        if (holes[i].kind != kind) continue;
        if (m->nest > NEST_MOST * 2 || m->text.length > TEXT_MOST)
            put(m, holes[i].brief);
        else
            holes[i].put(m);
        return;
    }
    if (kind == 'b')
        put_block(m, 2);
    else
        put(m, PICK(m, variables));
}

static void put_template(struct maker *m, const char *template) {
    m->nest++;
    for (; *template; template ++) {
        if (*template == '$')
            put_hole(m, *++template);
        else
            str_putc(&m->text, *template);
    }
    m->nest--;
}

static void put_block(struct maker *m, int most) {
    if (m->nest > NEST_MOST || m->text.length > TEXT_MOST) return;
    m->nest++;
    for (size_t n = below(m, (size_t)most) + 1; n > 0; n--) put_statement(m);
    m->nest--;
}

static const char *make_program(struct maker *m, uint64_t seed) {
    chance_seed(&m->chance, seed);
    str_clear(&m->text);
    m->nest = 0;
    put(m, "local f = ...\nf = f or {signal = {price = decimal(1)}, closes = {1, 2}}\n"
           "local a, b, s, t, u, d = 1, 2, 'abc def', {5, 3, 1}, {}, decimal('2.5')\n"
           "local g = function(x) return x end\n");
    for (size_t n = below(m, 4) + 1; n > 0; n--) put_statement(m);
    return str_text(&m->text);
}

/* ---- running --------------------------------------------------------------------------------- */

static struct maker maker;
static uint64_t seed_now;
static volatile sig_atomic_t is_running;

static void show_program(const char *why) {
    printf("seed %llu %s:\n%s\n", (unsigned long long)seed_now, why, str_text(&maker.text));
}

/* The one thing to save from a crash is what caused it. */
static void tell_crash(int number) {
    static const char word[] = "crashed on this program:\n";
    if (is_running && write(1, word, sizeof word - 1) > 0 &&
        write(1, maker.text.data, maker.text.length) > 0) {
        char line[64];
        int length = snprintf(line, sizeof line, "seed %llu\n", (unsigned long long)seed_now);
        if (length > 0 && write(1, line, (size_t)length) < 0) _exit(3);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void catch_crashes(void) {
    static char room[64 << 10];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction action = {.sa_handler = tell_crash, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGABRT, &action, NULL);
}

struct tally {
    unsigned failed, ends[SANDBOX_MISUSE + 1];
    double lag_most_ms;
};

/* What the call took beyond its budget: the least of several tries, see test_script_attack.c. */
static double lag_of(struct scene *scene, const char *text, size_t length, enum sandbox_end *end) {
    double least = 1e9;
    for (int i = 0; i < TRIES && least > LATE_MS * SLOWER; i++) {
        double start = now_ms();
        *end = run_one(scene, text, length, "hostile.lua");
        double lag = now_ms() - start - WALL_MS; /* nothing here has more budget than that */
        if (lag < least) least = lag;
    }
    return least;
}

/* Mostly the usual limits, sometimes small ones. */
static void set_some_limits(struct sandbox *box) {
    static const size_t memory[] = {0, 0, 0, 4u << 20, 1u << 20, 512u << 10};
    static const uint64_t instructions[] = {0, 0, 0, 100000, 5000};
    static const uint32_t depth[] = {0, 0, 0, 10, 1};
    struct maker *m = &maker;
    struct sandbox_limits limits = {.wall_ms = WALL_MS,
                                    .memory_bytes = PICK(m, memory),
                                    .instructions = PICK(m, instructions),
                                    .depth = PICK(m, depth)};
    sandbox_set_limits(box, &limits);
}

static bool run_program(struct scene *scene, struct tally *tally) {
    const char *text = make_program(&maker, seed_now);
    set_some_limits(scene->box);
    struct sandbox_usage usage;
    enum sandbox_end end;
    is_running = 1;
    double lag = lag_of(scene, text, maker.text.length, &end);
    is_running = 0;
    tally->ends[end]++;
    if (lag > tally->lag_most_ms) tally->lag_most_ms = lag;
    const char *fault = NULL;
    sandbox_usage(scene->box, &usage);
    if (end == SANDBOX_SYNTAX || end == SANDBOX_MISUSE) fault = sandbox_failure(scene->box)->text;
    if (lag > LATE_MS * SLOWER) fault = "ended late";
    if (usage.memory_bytes.maximum > MEMORY_MOST) fault = "took too much memory";
    sandbox_set_limits(scene->box, &(struct sandbox_limits){.wall_ms = 100 * WALL_MS});
    if (!still_works(scene)) fault = "left a box that does not work";
    sandbox_set_limits(scene->box, &(struct sandbox_limits){.wall_ms = WALL_MS});
    if (!fault) return true;
    show_program(fault);
    tally->failed++;
    return false;
}

static unsigned long long option(int argc, char **argv, const char *name,
                                 unsigned long long fallback) {
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0) return strtoull(argv[i + 1], NULL, 10);
    return fallback;
}

int main(int argc, char **argv) {
    unsigned long long programs = option(argc, argv, "--programs", 500),
                       seed = option(argc, argv, "--seed", 1);
    bool show = argc > 1 && strcmp(argv[argc - 1], "--show") == 0;
    struct tally tally = {.lag_most_ms = -WALL_MS};
    struct scene scene = {0};
    catch_crashes();
    for (unsigned long long i = 0; i < programs; i++) {
        if (i % REUSE == 0) {
            sandbox_free(scene.box);
            scene = open_scene();
        }
        seed_now = seed + i;
        bool good = run_program(&scene, &tally);
        if (show)
            show_program(sandbox_end_name(sandbox_failure(scene.box)->end));
        else if (!good) { /* what it left behind is no other program's fault */
            sandbox_free(scene.box);
            scene = open_scene();
        }
    }
    sandbox_free(scene.box);
    str_free(&maker.text);
    for (unsigned i = 0; i <= SANDBOX_MISUSE; i++)
        if (tally.ends[i]) printf("%u %s, ", tally.ends[i], sandbox_end_name((enum sandbox_end)i));
    printf("at most %.1f ms beyond the budget\n", tally.lag_most_ms > 0 ? tally.lag_most_ms : 0);
    printf("%llu passed, %u failed\n", programs - tally.failed, tally.failed);
    return tally.failed > 0;
}
