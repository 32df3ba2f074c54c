/* How a config table is read: rows of settings, checked by type and range, with unknown keys caught
 * by near-miss. */
#ifndef TIDELOCK_SERVE_SETTINGS_H
#define TIDELOCK_SERVE_SETTINGS_H
#include "policy/policy.h"
#include "serve/config.h"

enum setting_type {
    SETTING_TEXT, /* char * in the arena */
    SETTING_NAME, /* char[NAME_SIZE] style field of `size` bytes */
    SETTING_INT,  /* int64_t within [low, high] */
    SETTING_BOOL,
    SETTING_DECIMAL,  /* struct decimal, > 0 unless SETTING_ZERO */
    SETTING_DURATION, /* int64_t microseconds, within [low, high] */
    SETTING_SECRET,   /* struct config_secret */
    SETTING_CHOICE,   /* int, among names */
    SETTING_OTHER,    /* known here, read by code: a section or a list */
};
enum { SETTING_REQUIRED = 1, SETTING_ZERO = 2 /* zero is allowed */, SETTING_NO_ENV = 4 };

struct setting {
    const char *key;
    enum setting_type type;
    size_t offset, size;
    const char *fallback; /* default as text; NULL: stays empty */
    int64_t low, high;    /* INT, DURATION; both 0: any not negative */
    const char *const *names;
    unsigned flags;
    const char *help;
};

/* One reading of one file: collects faults with their lines. */
struct settings_reader {
    const char *file;
    const struct table_file *table;
    struct arena *arena;
    struct config_faults *faults;
};
void settings_fault(struct settings_reader *r, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void settings_warn(struct settings_reader *r, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Reads the settings of one table into `into`. `table` NULL: only defaults. `path`: where it stands
 * ("" for the root). */
void settings_read(struct settings_reader *r, const char *path, const struct json *table,
                   const struct setting *rows, size_t count, void *into);
/* A value that is not from the file (environment, parameters), through the same checks. */
void settings_set(struct settings_reader *r, const char *path, const struct setting *row,
                  const char *text, void *into);
void settings_help(const char *section, const struct setting *rows, size_t count, struct str *out);

/* The values as members of a JSON object (without its braces); secrets by reference. */
void settings_print(const struct setting *rows, size_t count, const void *from, struct str *out);

/* Resolves env:, file:, credential:. The bytes are the caller's; secret_wipe ends them. */
bool secret_resolve(const char *reference, struct config_secret *out, struct err *err) MUST_CHECK;
void secret_wipe(struct config_secret *secret);
#endif
