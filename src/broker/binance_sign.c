/* Why: a signature covers exactly the bytes that travel, so what is signed is encoded first. */
#include "broker/binance_parts.h"
#include "base/hash.h"
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define SIGNATURE_MAX 1024

struct binance_key {
    EVP_PKEY *pair; /* NULL: HMAC */
    const EVP_MD *digest;
    char *secret;
    size_t length;
};

static int no_password(char *out, int size, int writing, void *ctx)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)ctx;
    return 0; /* else OpenSSL asks on the terminal */
}

static bool read_pair(struct binance_key *key, const char *pem, size_t length, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    key->pair = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!key->pair)
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "broker.private_key: not a PEM private key without a password; make one "
                       "with: openssl genpkey -algorithm ed25519");
    switch (EVP_PKEY_get_base_id(key->pair)) {
    case EVP_PKEY_ED25519:
        return true;
    case EVP_PKEY_RSA:
        key->digest = EVP_sha256();
        return true;
    default:
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "broker.private_key: Binance takes Ed25519 and RSA keys");
    }
}

struct binance_key *binance_key_new(const char *secret, size_t length, struct err *err)
{
    struct binance_key *key = mem_alloc(sizeof *key);
    bool ok = length > 0 && length < 65536;
    if (!ok)
        err_set(err, ERR_REFUSED, ERR_CONFIG, "broker: the secret of the key is empty");
    else if (memmem(secret, length, "-----BEGIN", 10))
        ok = read_pair(key, secret, length, err);
    else {
        key->secret = mem_alloc(length);
        memcpy(key->secret, secret, length);
        key->length = length;
    }
    if (ok)
        return key;
    binance_key_free(key);
    return NULL;
}

void binance_key_free(struct binance_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pair);
    mem_free_secret(key->secret, key->length);
    mem_free(key);
}

static bool sign_by_pair(const struct binance_key *key, const char *payload, size_t length,
                         struct str *out)
{
    uint8_t signature[SIGNATURE_MAX];
    char text[SIGNATURE_MAX * 4 / 3 + 8];
    size_t size = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, key->digest, NULL, key->pair) == 1 &&
              EVP_DigestSign(ctx, signature, &size, (const uint8_t *)payload, length) == 1;
    EVP_MD_CTX_free(ctx);
    if (!ok)
        return false;
    base64_print(signature, size, text);
    str_puts(out, text);
    return true;
}

bool binance_sign(const struct binance_key *key, const char *payload, size_t length,
                  struct str *out, struct err *err)
{
    if (key->pair)
        return sign_by_pair(key, payload, length, out) ||
               err_set(err, ERR_NOT_DONE, ERR_AUTH, "the private key does not sign");
    uint8_t digest[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];
    hash_hmac_sha256(key->secret, key->length, payload, length, digest);
    hex_print(digest, sizeof digest, text);
    str_puts(out, text);
    return true;
}

static void put_encoded(struct str *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (; *text; text++) {
        if (strchr(plain, *text))
            str_putc(out, *text);
        else
            str_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

void binance_put(struct str *query, const char *name, const char *value)
{
    if (query->length)
        str_putc(query, '&');
    str_puts(query, name);
    str_putc(query, '=');
    put_encoded(query, value);
}

void binance_put_decimal(struct str *query, const char *name, struct decimal value)
{
    char text[DECIMAL_TEXT_MAX];
    decimal_print(value, text);
    binance_put(query, name, text);
}

void binance_put_int(struct str *query, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    binance_put(query, name, text);
}

bool binance_put_signature(struct str *query, const struct binance_key *key, struct err *err)
{
    struct str signature = STR_EMPTY;
    bool ok = binance_sign(key, str_text(query), query->length, &signature, err);
    if (ok)
        binance_put(query, "signature", str_text(&signature));
    str_free(&signature);
    return ok;
}
