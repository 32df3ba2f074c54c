/* Identities: the same from the same fields, everywhere and always. */
#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"

static void derived_ids_never_change(void **state)
{
    (void)state;
    char id[ID_SIZE], again[ID_SIZE], wanted[ID_SIZE];
    uint8_t digest[SHA256_SIZE];
    id_derive(id, "bank_nifty", "2026-07-21T09:15:00Z", "", "LONG", NULL);
    hash_sha256("\0\0\0\012bank_nifty\0\0\0\0242026-07-21T09:15:00Z\0\0\0\0\0\0\0\4LONG", 50,
                digest);
    base32_print(digest, sizeof digest, wanted, 20);
    assert_string_equal(id, wanted);
    assert_int_equal(strlen(id), 20);
    id_derive(again, "bank_nifty", "2026-07-21T09:15:00Z", "", "LONG", NULL);
    assert_string_equal(id, again);
    id_derive(id, "ab", "c", NULL);
    id_derive(again, "a", "bc", NULL);
    assert_string_not_equal(id, again);
}

static void long_fields_count_whole(void **state)
{
    (void)state;
    char id[ID_SIZE], other[ID_SIZE], text[5001];
    memset(text, 'x', 5000);
    text[5000] = '\0';
    id_derive(id, text, "y", NULL);
    text[4999] = 'z';
    id_derive(other, text, "y", NULL);
    assert_string_not_equal(id, other);
}

static void random_ids_differ(void **state)
{
    (void)state;
    char one[ID_SIZE], two[ID_SIZE];
    id_random(one);
    id_random(two);
    assert_int_equal(strlen(one), 20);
    assert_int_equal(strspn(one, "abcdefghijklmnopqrstuvwxyz234567"), 20);
    assert_string_not_equal(one, two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derived_ids_never_change),
        cmocka_unit_test(long_fields_count_whole),
        cmocka_unit_test(random_ids_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
