/* strategies/ENVIRONMENT.md and lua/tidelock.d.lua say exactly what the environment of policies
 * holds. */
#include "policy/policy.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_written(const char *path, const char *verb,
                           bool (*write)(struct policies *, struct str *, struct err *))
{
    struct policies_options options = {0};
    struct policies *policies = policies_new(&options);
    struct str page = STR_EMPTY;
    struct err err = {0};
    static char written[64 << 10];
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    size_t length = fread(written, 1, sizeof written - 1, file);
    fclose(file);
    assert_true(write(policies, &page, &err));
    if (length != page.length || memcmp(written, str_text(&page), length) != 0)
        fail_msg("%s is out of date; build/tidelock policy %s > %s writes it", path, verb, path);
    str_free(&page);
    policies_free(policies);
}

static void the_page_is_what_the_environment_holds(void **state)
{
    (void)state;
    assert_written("strategies/ENVIRONMENT.md", "environment", policies_environment);
}

static void the_annotations_are_the_rows(void **state)
{
    (void)state;
    assert_written("lua/tidelock.d.lua", "annotations", policies_annotations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_what_the_environment_holds),
        cmocka_unit_test(the_annotations_are_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
