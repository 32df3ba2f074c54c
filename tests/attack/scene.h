/* What attacks are made on: a box with small budgets, a module and frozen facts; and the question
 * whether it still works afterwards. */
#ifndef TESTS_ATTACK_SCENE_H
#define TESTS_ATTACK_SCENE_H
#include "script/sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLOWER 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWER 8
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

enum { WALL_MS = 25, LATE_MS = 25 };

static const sandbox_units one = 1000000000000;

static const struct sandbox_field_row signal_rows[] = {
    {.name = "id", .kind = SANDBOX_KIND_TEXT}, {.name = "price", .kind = SANDBOX_KIND_DECIMAL}};
static const struct sandbox_shape signal_shape = {
    .name = "signal", .rows = signal_rows, .count = 2};
static const struct sandbox_field_row facts_rows[] = {
    {.name = "signal", .kind = SANDBOX_KIND_RECORD, .shape = &signal_shape},
    {.name = "closes", .kind = SANDBOX_KIND_LIST, .of = SANDBOX_KIND_DECIMAL, .most = 8},
};
static const struct sandbox_shape facts_shape = {.name = "facts", .rows = facts_rows, .count = 2};

struct scene {
    struct sandbox *box;
    struct sandbox_record *facts;
};

static inline double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static inline struct scene open_scene(void) {
    static const char self[] = "return require('self')";
    struct scene scene = {.box = sandbox_new(&(struct sandbox_limits){.wall_ms = WALL_MS})};
    scene.facts = sandbox_record_new(scene.box, &facts_shape);
    if (!sandbox_add_module(scene.box, "self", self, strlen(self), "self.lua")) abort();
    struct sandbox_record *signal = sandbox_child(scene.facts, 0),
                          *closes = sandbox_child(scene.facts, 1);
    sandbox_set_text(signal, 0, "s1", 2);
    sandbox_set_decimal(signal, 1, one * 100);
    sandbox_set_count(closes, 3);
    for (uint32_t i = 0; i < 3; i++) sandbox_set_decimal(closes, i, one * i);
    return scene;
}

static inline enum sandbox_end run_one(struct scene *scene, const char *text, size_t length,
                                       const char *name) {
    int ref;
    if (!sandbox_load(scene->box, text, length, name, &ref))
        return sandbox_failure(scene->box)->end;
    struct sandbox_value value;
    sandbox_peek(scene->box, ref, &value);
    enum sandbox_end end = SANDBOX_OK;
    if (value.type == SANDBOX_FUNCTION) {
        sandbox_start(scene->box, ref);
        sandbox_push_record(scene->box, scene->facts);
        if (!sandbox_run(scene->box)) end = sandbox_failure(scene->box)->end;
    }
    sandbox_done(scene->box);
    sandbox_unref(scene->box, ref);
    return end;
}

static inline bool still_works(struct scene *scene) {
    static const char text[] = "return function(f) local t = {3, 1, 2} table.sort(t)\n"
                               "local s = ('a-b'):gsub('%-', '+') .. table.concat(t) .. "
                               "tostring(decimal('0.1') + decimal('0.2'))\n"
                               "return s == 'a+b1230.3' and f.signal.price == decimal(100) and "
                               "#f.closes == 3 and ('x'):upper() == 'X' end";
    int ref;
    if (!sandbox_load(scene->box, text, strlen(text), "works.lua", &ref)) return false;
    sandbox_start(scene->box, ref);
    sandbox_push_record(scene->box, scene->facts);
    struct sandbox_value value;
    bool ok = sandbox_run(scene->box);
    sandbox_result(scene->box, 0, &value);
    ok = ok && value.type == SANDBOX_BOOLEAN && value.boolean;
    sandbox_done(scene->box);
    sandbox_unref(scene->box, ref);
    return ok;
}

#endif
