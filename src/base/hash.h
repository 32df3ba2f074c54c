/* Hashes and encodings over OpenSSL. */
#ifndef TIDELOCK_BASE_HASH_H
#define TIDELOCK_BASE_HASH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
struct sha256; /* reusable context: one per thread */
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *ctx);
void sha256_start(struct sha256 *ctx);
void sha256_add(struct sha256 *ctx, const void *bytes, size_t length);
/* A field preceded by its length as 4 bytes big endian, so that "ab"+"c" and "a"+"bc" differ. */
void sha256_add_field(struct sha256 *ctx, const char *text);
void sha256_end(struct sha256 *ctx, uint8_t out[SHA256_SIZE]);

void hash_sha256(const void *bytes, size_t length, uint8_t out[SHA256_SIZE]);
void hash_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                      uint8_t out[SHA256_SIZE]);
void hex_print(const uint8_t *bytes, size_t length, char *out /* 2n+1 */);
int hex_digit(char c); /* -1: none */
bool hex_parse(const char *text, uint8_t *out, size_t size); /* exactly 2*size hex digits */
/* RFC 4648 lower-case letters a-z2-7 without padding; writes `chars` characters and a NUL. */
void base32_print(const uint8_t *bytes, size_t length, char *out, size_t chars);
/* Canonical text only. *out_length: in the room, out the bytes written. */
bool base64_parse(const char *text, size_t length, uint8_t *out, size_t *out_length);
size_t base64_print(const uint8_t *bytes, size_t length, char *out /* 4*((n+2)/3)+1 */);
/* Constant time in b's length. */
bool secret_equal(const void *a, size_t a_length, const void *b, size_t b_length);
#endif
