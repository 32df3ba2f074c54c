/* An answer reaches its owner by handle, and nobody when nobody waits. */
#include "base/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct owner {
    int answers;
    uint64_t handle;
    enum err_class class;
    const void *value;
};

static void take_answer(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    struct owner *o = owner;
    o->answers++;
    o->handle = handle;
    o->class = err ? err->class : ERR_NONE;
    o->value = value;
}

static void answers_arrive(void **state)
{
    (void)state;
    struct owner owner = {0};
    struct waiter to = {take_answer, &owner, 77};
    struct err err = {.class = ERR_LATER};
    int value = 5;
    wait_answer(to, NULL, &value);
    assert_int_equal(owner.answers, 1);
    assert_int_equal(owner.handle, 77);
    assert_ptr_equal(owner.value, &value);
    wait_answer(to, &err, NULL);
    assert_int_equal(owner.class, ERR_LATER);
    wait_answer((struct waiter){0}, &err, NULL);
    assert_int_equal(owner.answers, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_arrive)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
