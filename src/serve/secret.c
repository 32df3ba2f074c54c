/* Why: secrets enter by reference and in one place, so that no configuration, log or page can hold
 * one. */
#include "base/mem.h"
#include "io/file.h"
#include "serve/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX 4096

static bool keep_secret(struct config_secret *out, const char *bytes, size_t length,
                        struct err *err)
{
    while (length && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
        length--;
    if (length == 0)
        return err_set(err, ERR_REFUSED, ERR_CONFIG, "the secret behind \"%s\" is empty",
                       out->reference);
    out->bytes = mem_alloc(length + 1);
    memcpy(out->bytes, bytes, length);
    out->length = length;
    return true;
}

static bool read_secret_file(struct config_secret *out, const char *path, unsigned flags,
                             struct err *err)
{
    struct arena arena;
    arena_init(&arena, SECRET_MAX + 64);
    size_t length = 0;
    char *bytes = file_read(&arena, path, SECRET_MAX, flags, &length, err);
    bool ok = bytes && keep_secret(out, bytes, length, err);
    if (bytes)
        explicit_bzero(bytes, length);
    arena_free(&arena);
    return ok;
}

bool secret_resolve(const char *reference, struct config_secret *out, struct err *err)
{
    *out = (struct config_secret){0};
    if (text_starts(reference, "env:") || text_starts(reference, "file:") ||
        text_starts(reference, "credential:")) {
        if (!text_copy(out->reference, sizeof out->reference, reference))
            return err_set(err, ERR_REFUSED, ERR_CONFIG,
                           "the secret reference is longer than %zu characters",
                           sizeof out->reference - 1);
    } else {
        return err_set(err, ERR_REFUSED, ERR_CONFIG,
                       "secrets are given by reference: \"env:NAME\", \"file:/path\" or "
                       "\"credential:NAME\", never as text");
    }
    if (text_starts(reference, "env:")) {
        const char *value = getenv(reference + 4);
        if (!value)
            return err_set(err, ERR_REFUSED, ERR_CONFIG, "the environment has no %s",
                           reference + 4);
        return keep_secret(out, value, strlen(value), err);
    }
    if (text_starts(reference, "file:"))
        return read_secret_file(out, reference + 5, FILE_PRIVATE, err);
    const char *folder = getenv("CREDENTIALS_DIRECTORY"), *name = reference + strlen("credential:");
    if (!folder)
        return err_set(
            err, ERR_REFUSED, ERR_CONFIG,
            "$CREDENTIALS_DIRECTORY is not set: credentials come from systemd's LoadCredential=");
    if (!*name || strchr(name, '/'))
        return err_set(err, ERR_REFUSED, ERR_CONFIG, "\"%s\" is not a credential's name", name);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_secret_file(out, path, 0, err);
}

void secret_wipe(struct config_secret *secret)
{
    mem_free_secret(secret->bytes, secret->length);
    *secret = (struct config_secret){0};
}
