/* The claim of a signal that came to other instances too: it is kept while the signal is worked,
 * and given back when that is over, whatever came first. */
#include "flow_rig.h"
#include "flow/claiming.h"
#include "flow/intake.h"
#include "lease/claim.h"

static struct rig rig;
static struct waiter asker; /* whoever waits for the claim's answer */
static int asked, released;

static void ask(struct claims *claims, const char *signal_id, const char *instrument,
                struct waiter to)
{
    (void)claims;
    (void)signal_id;
    (void)instrument;
    asker = to;
    asked++;
}

static void release(struct claims *claims, const char *signal_id)
{
    (void)claims;
    (void)signal_id;
    released++;
}

static const struct claim_ops ops = {.ask = ask, .release = release};
static struct claims claims = {.ops = &ops};

/* As one of two instances. */
static int set_up(void **state)
{
    struct member other;
    (void)state;
    rig_open(&rig);
    rig_kill(&rig);
    rig.core.claims = &claims;
    rig_start(&rig);
    row_init(&tables[TABLE_MEMBER], &other);
    text_copy(other.id, sizeof other.id, "9");
    text_copy(other.name, sizeof other.name, "other");
    other.term = 9;
    other.state = MEMBER_ALIVE;
    other.version = 1;
    book_put(rig.core.book, TABLE_MEMBER, &other);
    asked = released = 0;
    rig_pass(&rig, 200000); /* the members are counted anew */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig.core.claims = NULL;
    rig_close(&rig);
    return 0;
}

static struct signal ask_for_one(void)
{
    struct signal signal = rig_signal(&rig, SIGNAL_BASE_ENTRY, "Long_1", 2);
    intake_submit(&rig.core, &signal, false, 0, rig_waiter(&rig, true));
    assert_int_equal(asked, 1);
    return signal;
}

static void answer(enum claim claim)
{
    wait_answer(asker, NULL, &claim);
    rig_settle(&rig);
}

static void test_given_back_at_the_end(void **state)
{
    const enum claim kept[] = {CLAIM_GRANTED, CLAIM_UNKNOWN};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        asked = released = 0;
        struct signal signal = ask_for_one();
        answer(kept[i]);
        assert_true(signal_is_final(rig_stored(&rig, signal.id)->state));
        assert_true(released > 0);
    }
}

/* The log tells of the row, and how it ended, before Redis says anything; nothing else happens to
 * the signal here, so a claim that may stand is given back at once, or it is renewed for ever. */
static void test_given_back_when_it_comes_too_late(void **state)
{
    const enum claim late[] = {CLAIM_GRANTED, CLAIM_UNKNOWN, CLAIM_DENIED};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        asked = released = 0;
        struct signal signal = ask_for_one();
        claiming_told(&rig.core, signal.id);
        assert_int_equal(claiming_count(&rig.core), 0);
        answer(late[i]);
        assert_int_equal(released, late[i] != CLAIM_DENIED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_given_back_at_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_back_when_it_comes_too_late, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
