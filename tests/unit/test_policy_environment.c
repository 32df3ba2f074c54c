/* strategies/ENVIRONMENT.md says exactly what the environment of policies holds. */
#include "policy/policy.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void the_page_is_what_the_environment_holds(void **state)
{
    struct policies_options options = {0};
    struct policies *policies = policies_new(&options);
    struct str page = STR_EMPTY;
    struct err err = {0};
    static char written[64 << 10];
    FILE *file = fopen("strategies/ENVIRONMENT.md", "rb");

    (void)state;
    assert_non_null(file);
    size_t length = fread(written, 1, sizeof written - 1, file);
    fclose(file);
    assert_true(policies_environment(policies, &page, &err));
    if (length != page.length || memcmp(written, str_text(&page), length) != 0)
        fail_msg("strategies/ENVIRONMENT.md is out of date; "
                 "build/tidelock policy environment > strategies/ENVIRONMENT.md writes it");
    str_free(&page);
    policies_free(policies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_what_the_environment_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
