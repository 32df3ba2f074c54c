/* Hashes against published vectors; encodings there and back, and only their canonical forms. */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/chance.h"
#include "base/keyed.h"

#include <pthread.h>
#include <stdio.h>

static const char *hex_of(const uint8_t digest[SHA256_SIZE])
{
    static char text[2 * SHA256_SIZE + 1];
    hex_print(digest, SHA256_SIZE, text);
    return text;
}

static void sha256_vectors(void **state)
{
    (void)state;
    uint8_t out[SHA256_SIZE];
    hash_sha256("", 0, out);
    assert_string_equal(hex_of(out),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_sha256("abc", 3, out);
    assert_string_equal(hex_of(out),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct sha256 *ctx = sha256_new();
    for (int round = 0; round < 3; round++) {
        sha256_start(ctx);
        for (int i = 0; i < 1000000; i += 1000) {
            char block[1000];
            memset(block, 'a', sizeof block);
            sha256_add(ctx, block, sizeof block);
        }
        sha256_end(ctx, out);
        assert_string_equal(hex_of(out),
                            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    sha256_free(ctx);
    sha256_free(NULL);
}

static void fields_do_not_run_together(void **state)
{
    (void)state;
    uint8_t one[SHA256_SIZE], two[SHA256_SIZE], by_hand[SHA256_SIZE];
    struct sha256 *ctx = sha256_new();
    sha256_start(ctx);
    sha256_add_field(ctx, "ab");
    sha256_add_field(ctx, "c");
    sha256_end(ctx, one);
    sha256_start(ctx);
    sha256_add_field(ctx, "a");
    sha256_add_field(ctx, "bc");
    sha256_end(ctx, two);
    assert_memory_not_equal(one, two, SHA256_SIZE);
    hash_sha256("\0\0\0\2ab\0\0\0\1c", 11, by_hand);
    assert_memory_equal(one, by_hand, SHA256_SIZE);
    sha256_free(ctx);
}

static void hmac_vectors(void **state)
{
    (void)state;
    uint8_t out[SHA256_SIZE]; /* RFC 4231, 1, 2 and 6 */
    char key[131];
    memset(key, 0x0b, 20);
    hash_hmac_sha256(key, 20, "Hi There", 8, out);
    assert_string_equal(hex_of(out),
                        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hash_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
    assert_string_equal(hex_of(out),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    hash_hmac_sha256(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                     out);
    assert_string_equal(hex_of(out),
                        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hex(void **state)
{
    (void)state;
    uint8_t out[4];
    assert_true(hex_parse("00fFa10b", out, 4));
    assert_memory_equal(out, "\x00\xff\xa1\x0b", 4);
    static const char *const bad[] = {"00ffa10", "00ffa10b0", "00ffa10g",
                                      "",        " 0ffa10b",  "0x12ab34"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(hex_parse(bad[i], out, 4));
}

static void base32(void **state)
{
    (void)state;
    char out[16];
    base32_print((const uint8_t *)"foobar", 6, out, 10); /* RFC 4648 §10 */
    assert_string_equal(out, "mzxw6ytboi");
    base32_print((const uint8_t *)"foob", 4, out, 7);
    assert_string_equal(out, "mzxw6yq");
    base32_print((const uint8_t *)"", 0, out, 0);
    assert_string_equal(out, "");
}

static void base64(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    uint8_t bytes[300], back[300];
    char text[500];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        base64_print((const uint8_t *)pairs[i][0], strlen(pairs[i][0]), text);
        assert_string_equal(text, pairs[i][1]);
    }
    struct chance chance;
    chance_seed(&chance, 5);
    for (size_t length = 0; length < 200; length++) {
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)chance_next(&chance);
        size_t chars = base64_print(bytes, length, text), room = length;
        assert_true(base64_parse(text, chars, back, &room));
        assert_int_equal(room, length);
        assert_memory_equal(bytes, back, length);
        if (length > 0) {
            room = length - 1;
            assert_false(base64_parse(text, chars, back, &room));
        }
    }
    static const char *const bad[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "====", "Z===", "Zm9v\n", "Zm-v", "Zm 9v", "Zg=v"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t room = sizeof back;
        assert_false(base64_parse(bad[i], strlen(bad[i]), back, &room));
    }
}

static void secrets(void **state)
{
    (void)state;
    assert_true(secret_equal("abc", 3, "abc", 3));
    assert_false(secret_equal("abc", 3, "abd", 3));
    assert_false(secret_equal("ab", 2, "abc", 3));
    assert_false(secret_equal("abcd", 4, "abc", 3));
    assert_false(secret_equal("", 0, "abc", 3));
    assert_false(secret_equal("ab\0", 3, "ab", 2));
    assert_true(secret_equal("", 0, "", 0));
}

static void *hash_in_a_thread(void *out)
{
    hash_sha256("abc", 3, out);
    return NULL;
}

static void each_thread_has_its_context(void **state)
{
    (void)state;
    uint8_t here[SHA256_SIZE], there[SHA256_SIZE];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hash_in_a_thread, there), 0);
    hash_sha256("abc", 3, here);
    pthread_join(thread, NULL);
    assert_memory_equal(here, there, SHA256_SIZE);
}

/* Names that differ in a few digits, wherever these stand, share a bucket no more than chance has
 * it (5 to 7 of 1,024 in as many). */
static void keys_are_spread(void **state)
{
    static const char *const forms[] = {
        "%d",
        "I%d",
        "IN%03d",
        "INST%04d",
        "%04dINST",
        "INSTRU%04d",
        "NIFTY%04dFUT",
        "peer|I%04d",
        "peer|INST%04d",
        "pyramid|INST%04dFUTURE",
        "key:INST%04d",
        "P%011d|x|live",
        "%08d%08d",
        "instrument:SOME_LONG_NAME_%05d",
    };
    (void)state;
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        unsigned used[1024] = {0}, most = 0;
        for (int i = 0; i < 1024; i++) {
            char key[64];
            int length = snprintf(key, sizeof key, forms[f], i, i);
            unsigned *bucket = &used[keyed_hash(key, (size_t)length) & 1023];
            most = ++*bucket > most ? *bucket : most;
        }
        if (most > 10)
            fail_msg("%u of \"%s\" share a bucket", most, forms[f]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),  cmocka_unit_test(fields_do_not_run_together),
        cmocka_unit_test(hmac_vectors),    cmocka_unit_test(hex),
        cmocka_unit_test(base32),          cmocka_unit_test(base64),
        cmocka_unit_test(secrets),         cmocka_unit_test(each_thread_has_its_context),
        cmocka_unit_test(keys_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
