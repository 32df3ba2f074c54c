/* SHA-256 and HMAC from OpenSSL, and the encodings identities and secrets travel in.
 *
 * Contexts are kept because making one costs more than hashing a signal. */
#include "base/hash.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <string.h>

struct sha256 {
    EVP_MD_CTX *context;
};

static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static pthread_key_t thread_context;

static void drop_thread_context(void *context)
{
    sha256_free(context);
}

static void prepare(void)
{
    int failed = pthread_key_create(&thread_context, drop_thread_context);
    assert(!failed);
}

struct sha256 *sha256_new(void)
{
    struct sha256 *ctx = mem_alloc(sizeof *ctx);
    ctx->context = EVP_MD_CTX_new();
    assert(ctx->context);
    int ok = EVP_DigestInit_ex(ctx->context, EVP_sha256(), NULL);
    assert(ok == 1 && "this OpenSSL has no SHA-256");
    return ctx;
}

void sha256_free(struct sha256 *ctx)
{
    if (!ctx)
        return;
    EVP_MD_CTX_free(ctx->context);
    mem_free(ctx);
}

void sha256_start(struct sha256 *ctx)
{
    int ok = EVP_DigestInit_ex(ctx->context, NULL, NULL);
    assert(ok == 1);
}

void sha256_add(struct sha256 *ctx, const void *bytes, size_t length)
{
    int ok = EVP_DigestUpdate(ctx->context, bytes, length);
    assert(ok == 1);
}

void sha256_add_field(struct sha256 *ctx, const char *text)
{
    size_t length = strlen(text);
    assert(length <= UINT32_MAX);
    uint8_t size[4] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                       (uint8_t)length};
    sha256_add(ctx, size, sizeof size);
    sha256_add(ctx, text, length);
}

void sha256_end(struct sha256 *ctx, uint8_t out[SHA256_SIZE])
{
    unsigned int size = SHA256_SIZE;
    int ok = EVP_DigestFinal_ex(ctx->context, out, &size);
    assert(ok == 1 && size == SHA256_SIZE);
}

static struct sha256 *context_of_this_thread(void)
{
    pthread_once(&prepared, prepare);
    struct sha256 *ctx = pthread_getspecific(thread_context);
    if (!ctx) {
        ctx = sha256_new();
        pthread_setspecific(thread_context, ctx);
    }
    return ctx;
}

void hash_sha256(const void *bytes, size_t length, uint8_t out[SHA256_SIZE])
{
    struct sha256 *ctx = context_of_this_thread();
    sha256_start(ctx);
    sha256_add(ctx, bytes, length);
    sha256_end(ctx, out);
}

void hash_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                      uint8_t out[SHA256_SIZE])
{
    assert(key_length <= INT_MAX);
    unsigned int size = SHA256_SIZE;
    /* An absent key would make OpenSSL reuse an earlier one. */
    const void *ok = HMAC(EVP_sha256(), key ? key : "", (int)key_length, bytes, length, out, &size);
    assert(ok && size == SHA256_SIZE);
}

void hex_print(const uint8_t *bytes, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_parse(const char *text, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * size] == '\0';
}

void base32_print(const uint8_t *bytes, size_t length, char *out, size_t chars)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    assert(chars * 5 <= length * 8 + 4);
    for (size_t i = 0; i < chars; i++) {
        size_t bit = i * 5, at = bit / 8;
        unsigned pair = (unsigned)bytes[at] << 8 | (at + 1 < length ? bytes[at + 1] : 0u);
        out[i] = letters[pair >> (11 - bit % 8) & 31];
    }
    out[chars] = '\0';
}

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_parse(const char *text, size_t length, uint8_t *out, size_t *out_length)
{
    if (length % 4)
        return false;
    size_t padding = 0;
    if (length && text[length - 1] == '=')
        padding = text[length - 2] == '=' ? 2 : 1;
    size_t size = length / 4 * 3 - padding, written = 0;
    if (size > *out_length)
        return false;
    for (size_t i = 0; i < length; i += 4) {
        uint32_t word = 0;
        size_t digits = i + 4 == length ? 4 - padding : 4;
        for (size_t k = 0; k < 4; k++) {
            int digit = k < digits ? base64_digit(text[i + k]) : 0;
            if (digit < 0)
                return false;
            word = word << 6 | (uint32_t)digit;
        }
        /* Bits below the padding must be zero, or two texts would mean one value. */
        if ((digits == 3 && (word & 0xFF)) || (digits == 2 && (word & 0xFFFF)))
            return false;
        for (size_t k = 0; k < digits - 1; k++)
            out[written++] = (uint8_t)(word >> (16 - 8 * k));
    }
    *out_length = written;
    return true;
}

size_t base64_print(const uint8_t *bytes, size_t length, char *out)
{
    char *at = out;
    for (size_t i = 0; i < length; i += 3) {
        size_t have = length - i < 3 ? length - i : 3;
        uint32_t word = (uint32_t)bytes[i] << 16 | (have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0u) |
                        (have > 2 ? (uint32_t)bytes[i + 2] : 0u);
        for (size_t k = 0; k < 4; k++)
            *at++ = k <= have ? base64_letters[word >> (18 - 6 * k) & 63] : '=';
    }
    *at = '\0';
    return (size_t)(at - out);
}

bool secret_equal(const void *a, size_t a_length, const void *b, size_t b_length)
{
    const uint8_t *left = a, *right = b;
    volatile unsigned different = a_length != b_length;
    for (size_t i = 0; i < b_length; i++)
        different |= (unsigned)(right[i] ^ (i < a_length ? left[i] : 0u));
    return different == 0;
}
