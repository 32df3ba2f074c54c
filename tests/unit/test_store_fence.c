/* Terms and leases at the store: what it still takes, and from whom. Asked of each body alike. */
#include "store_rig.h"

static struct member member_of(int64_t term, enum member_state state, int64_t version)
{
    struct member member;
    row_init(&tables[TABLE_MEMBER], &member);
    snprintf(member.id, sizeof member.id, "%d", (int)term);
    snprintf(member.name, sizeof member.name, "one");
    member.term = term;
    member.state = state;
    member.version = version;
    return member;
}

static struct lease_row lease_of(const char *key, int64_t term, int64_t version)
{
    struct lease_row lease;
    row_init(&tables[TABLE_LEASE], &lease);
    snprintf(lease.id, sizeof lease.id, "%s", key);
    lease.term = term;
    lease.version = version;
    return lease;
}

static enum err_code insert_under(struct fixture *f, int64_t term, const char *fence,
                                  const char *id)
{
    struct signal signal = signal_of(id, 1);
    return write_now(f, &(struct asked){.term = term,
                                        .fence = fence,
                                        .changes = {CHANGE(TABLE_SIGNAL, NULL, &signal)},
                                        .count = 1});
}

static void test_terms_fence(void **state)
{
    struct fixture *f = *state;
    struct member one = member_of(1, MEMBER_ALIVE, 1), two = member_of(2, MEMBER_ALIVE, 1),
                  dead = member_of(1, MEMBER_DEAD, 2);
    assert_int_equal(insert_under(f, 1, NULL, "a"), ERR_FENCED);
    assert_int_equal(write_now(f, ONE(TABLE_MEMBER, NULL, &one)), ERR_OK);
    assert_int_equal(write_now(f, ONE(TABLE_MEMBER, NULL, &one)), ERR_DUPLICATE);
    assert_int_equal(insert_under(f, 1, NULL, "a"), ERR_OK);
    assert_int_equal(write_now(f, ONE(TABLE_MEMBER, NULL, &two)), ERR_OK);
    assert_int_equal(insert_under(f, 1, NULL, "b"), ERR_OK); /* both live */
    assert_int_equal(write_now(f, ONE(TABLE_MEMBER, &one, &dead)), ERR_OK);
    assert_int_equal(insert_under(f, 1, NULL, "c"), ERR_FENCED);
    assert_int_equal(insert_under(f, 0, NULL, "c"), ERR_OK);
    assert_int_equal(insert_under(f, 2, NULL, "d"), ERR_OK);
    struct store_status status;
    store_status(f->store, &status);
    assert_int_equal(status.term, 2);
    expect_sound(f, 7);
}

static void test_leases_fence(void **state)
{
    struct fixture *f = *state;
    struct member one = member_of(1, MEMBER_ALIVE, 1), two = member_of(2, MEMBER_ALIVE, 1);
    struct lease_row taken = lease_of("leader", 1, 1), given = lease_of("leader", 0, 2),
                     again = lease_of("leader", 2, 3);
    assert_int_equal(write_now(f, ONE(TABLE_MEMBER, NULL, &one)), ERR_OK);
    assert_int_equal(write_now(f, ONE(TABLE_MEMBER, NULL, &two)), ERR_OK);
    assert_int_equal(insert_under(f, 1, "leader", "a"), ERR_FENCED);
    assert_int_equal(write_now(f, ONE(TABLE_LEASE, NULL, &taken)), ERR_OK);
    assert_int_equal(insert_under(f, 1, "leader", "a"), ERR_OK);
    assert_int_equal(insert_under(f, 2, "leader", "b"), ERR_FENCED);
    assert_int_equal(write_now(f, ONE(TABLE_LEASE, &taken, &given)), ERR_OK);
    assert_int_equal(insert_under(f, 1, "leader", "b"), ERR_FENCED);
    assert_int_equal(write_now(f, ONE(TABLE_LEASE, &given, &again)), ERR_OK);
    assert_int_equal(write_now(f, ONE(TABLE_LEASE, &taken, &given)), ERR_CONFLICT);
    assert_int_equal(insert_under(f, 2, "leader", "b"), ERR_OK);
    close_body(f); /* whoever opens it next knows them from the rows, if anything is left */
    open_body(f);
    if (strcmp(f->kind, "memory") != 0)
        assert_int_equal(insert_under(f, 1, "leader", "c"), ERR_FENCED);
}

/* A member's end in the same batch, before or behind a write of its own: the order of asking. */
static void test_fence_keeps_to_the_order_of_asking(void **state)
{
    struct fixture *f = *state;
    struct member one = member_of(1, MEMBER_ALIVE, 1), dead = member_of(1, MEMBER_DEAD, 2);
    struct signal a = signal_of("a", 1), b = signal_of("b", 2), c = signal_of("a", 3);
    struct got got[5];
    ask(f, ONE(TABLE_MEMBER, NULL, &one), &got[0]);
    ask(f, &(struct asked){.term = 1, .changes = {CHANGE(TABLE_SIGNAL, NULL, &a)}, .count = 1},
        &got[1]);
    ask(f, ONE(TABLE_SIGNAL, NULL, &c), &got[2]); /* makes the batch start again */
    ask(f, ONE(TABLE_MEMBER, &one, &dead), &got[3]);
    ask(f, &(struct asked){.term = 1, .changes = {CHANGE(TABLE_SIGNAL, NULL, &b)}, .count = 1},
        &got[4]);
    turn_until(f, &got[4]);
    assert_int_equal(got[0].err.code, ERR_OK);
    assert_int_equal(got[1].err.code, ERR_OK);
    assert_int_equal(got[2].err.code, ERR_DUPLICATE);
    assert_int_equal(got[3].err.code, ERR_OK);
    assert_int_equal(got[4].err.code, ERR_FENCED);
    expect_sound(f, 3);
}

static int run_all(char *kind)
{
    const struct CMUnitTest tests[] = {
        TEST(test_terms_fence),
        TEST(test_leases_fence),
        TEST(test_fence_keeps_to_the_order_of_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return run_bodies(run_all);
}
