/* The runner: order of steps, giving back, deadlines, late answers, children, the fence. */
#include "flow_rig.h"

static struct rig rig;
static char course[400];
static struct waiter kept[4];
static uint64_t handles[4];
static enum step_result next_result;
static struct err ended_err;
static int ends;

static void note(const char *text)
{
    size_t length = strlen(course);
    snprintf(course + length, sizeof course - length, "%s ", text);
}

static enum step_result take(struct flow *flow)
{
    (void)flow;
    note("take");
    return STEP_NEXT;
}

static void give(struct flow *flow)
{
    (void)flow;
    note("give");
}

static enum step_result wait_for(struct flow *flow)
{
    note("wait");
    kept[0] = flow_waiter(flow);
    handles[0] = flow->handle;
    return STEP_WAIT;
}

static enum step_result heard(struct flow *flow, const struct err *err, const void *value)
{
    (void)value;
    note(err ? err_class_name(err->class) : "answer");
    if (err && next_result == STEP_FAIL)
        return flow_fail(flow, err);
    return next_result;
}

static void give_wait(struct flow *flow)
{
    (void)flow;
    note("give-wait");
}

static enum step_result finish(struct flow *flow)
{
    note("finish");
    kept[1] = flow_waiter(flow);
    return STEP_WAIT;
}

static void ended(struct flow *flow, const struct err *err)
{
    (void)flow;
    ends++;
    err_clear(&ended_err);
    if (err)
        ended_err = *err;
}

static const struct step steps[] = {
    {"take", take, NULL, give, 0, 0},
    {"wait", wait_for, heard, give_wait, 50, STEP_MONEY},
    {"finish", finish, NULL, NULL, 50, 0},
};
static const struct story story = {.name = "tested", STORY(steps), .ended = ended};

static int set_up(void **state)
{
    (void)state;
    rig_open(&rig);
    course[0] = '\0';
    ends = 0;
    next_result = STEP_NEXT;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void begin(void)
{
    assert_non_null(flow_begin(&rig.core, &story, "it", NULL, 8, (struct waiter){0}));
}

static void test_read_down_given_back_upward(void **state)
{
    (void)state;
    size_t before = flow_count(&rig.core);
    begin();
    assert_string_equal(course, "take wait ");
    struct flow_view view[4];
    assert_int_equal(flows_list(&rig.core, view, 4), 1);
    assert_string_equal(view[0].step, "wait");
    assert_string_equal(view[0].subject, "it");
    wait_answer(kept[0], NULL, "value");
    assert_string_equal(course, "take wait answer finish ");
    wait_answer(kept[1], NULL, NULL);
    assert_string_equal(course, "take wait answer finish give-wait give ");
    assert_int_equal(ends, 1);
    assert_int_equal(ended_err.class, ERR_NONE);
    assert_int_equal(flow_count(&rig.core), before);
}

static void test_late_answers_are_dropped(void **state)
{
    (void)state;
    begin();
    struct waiter first = kept[0];
    wait_answer(first, NULL, NULL);
    uint64_t late = flow_late_answers(&rig.core);
    wait_answer(first, NULL, NULL); /* the step has gone on */
    assert_int_equal(flow_late_answers(&rig.core), late + 1);
    assert_string_equal(course, "take wait answer finish ");
    wait_answer(kept[1], NULL, NULL);
    begin(); /* the same slot, another flow */
    wait_answer(first, NULL, NULL);
    wait_answer(kept[1], NULL, NULL);
    assert_int_equal(flow_late_answers(&rig.core), late + 3);
    assert_int_equal(ends, 1);
}

static void test_deadlines(void **state)
{
    (void)state;
    begin();
    next_result = STEP_FAIL;
    clock_sim_advance(&rig.now, 49000);
    flow_turn(&rig.core);
    assert_int_equal(ends, 0);
    clock_sim_advance(&rig.now, 2000);
    flow_turn(&rig.core);
    assert_string_equal(course, "take wait maybe_done give-wait give "); /* it touched money */
    assert_int_equal(ended_err.code, ERR_TIMEOUT);
    course[0] = '\0';
    next_result = STEP_NEXT;
    begin();
    wait_answer(kept[0], NULL, NULL);
    clock_sim_advance(&rig.now, 51000);
    flow_turn(&rig.core);
    assert_int_equal(ends, 2);
    assert_int_equal(ended_err.class, ERR_NOT_DONE);
}

static void test_waits_again(void **state)
{
    (void)state;
    begin();
    next_result = STEP_WAIT;
    flow_poke(&rig.core, handles[0]);
    wait_answer(kept[0], NULL, NULL); /* the same wait still hears */
    assert_string_equal(course, "take wait answer answer ");
    assert_int_equal(ends, 0);
    next_result = STEP_END;
    flow_poke(&rig.core, handles[0]);
    assert_int_equal(ends, 1);
    flow_poke(&rig.core, handles[0]); /* nobody there */
}

/* ---- children ---- */

static enum step_result begin_child(struct flow *flow)
{
    note("parent");
    return flow_begin(flow->core, &story, "child", NULL, 8, flow_waiter(flow)) ? STEP_WAIT
                                                                               : STEP_END;
}

static enum step_result child_ended(struct flow *flow, const struct err *err, const void *value)
{
    (void)flow;
    assert_non_null(value);
    note(err ? "child-failed" : "child-ended");
    return STEP_NEXT;
}

static const struct step parent_steps[] = {{"child", begin_child, child_ended, NULL, 0, 0}};
static const struct story parent = {.name = "parent", STORY(parent_steps)};

static void test_children(void **state)
{
    (void)state;
    flow_begin(&rig.core, &parent, "it", NULL, 0, (struct waiter){0});
    assert_string_equal(course, "parent take wait ");
    wait_answer(kept[0], NULL, NULL);
    wait_answer(kept[1], NULL, NULL);
    assert_non_null(strstr(course, "give child-ended"));
}

/* ---- the fence ---- */

static const struct step fenced_steps[] = {
    {"take", take, NULL, give, 0, 0},
    {"wait", wait_for, heard, NULL, 0, 0},
    {"act", finish, NULL, NULL, 0, STEP_FENCED},
};
static const struct story fenced = {.name = "fenced", STORY(fenced_steps), .ended = ended};

static void test_fence(void **state)
{
    (void)state;
    struct flow *flow = flow_begin(&rig.core, &fenced, "it", NULL, 8, (struct waiter){0});
    assert_non_null(flow);
    rig.core.term++;
    wait_answer(kept[0], NULL, NULL);
    assert_string_equal(course, "take wait answer give ");
    assert_int_equal(ended_err.code, ERR_FENCED);
    course[0] = '\0';
    flow = flow_begin(&rig.core, &fenced, "it", NULL, 8, (struct waiter){0});
    flow->lease_key = "nobody:holds:this";
    wait_answer(kept[0], NULL, NULL);
    assert_int_equal(ended_err.class, ERR_LATER);
    assert_int_equal(ended_err.code, ERR_BUSY);
    rig.core.term--;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read_down_given_back_upward, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_answers_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadlines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waits_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_children, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fence, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
