/* What policies can reach, as a page: told from a version of a strategy that does nothing, so that
 * the page cannot say anything else than the environment holds. */
#include "policy/inner.h"

#include <string.h>

#define WIDTH 96

struct page {
    struct str *out;
    char group[80]; /* "string." while its members are told */
    size_t column;
    const char *kind; /* which part of the names is told */
};

static bool is_core(const char *path)
{
    return !strpbrk(path, ".: ");
}

/* "string.", "decimal:", "require tidelock.gates.": up to the last divider. */
static size_t group_length(const char *path)
{
    size_t length = 0;

    for (size_t i = 0; path[i]; i++)
        if (path[i] == '.' || path[i] == ':')
            length = i + 1;
    return length;
}

static void put_word(struct page *page, const char *word)
{
    size_t length = strlen(word) + 3;

    if (page->column + length > WIDTH) {
        str_puts(page->out, "\n  ");
        page->column = 2;
    }
    str_printf(page->out, " `%s`", word);
    page->column += length;
}

static void start_group(struct page *page, const char *title)
{
    str_printf(page->out, "\n- **%s**:", title);
    page->column = strlen(title) + 7;
}

static void put_global(void *ctx, const char *path, const char *what)
{
    struct page *page = ctx;

    if (is_core(path) && strcmp(what, page->kind) == 0)
        put_word(page, path);
}

static void put_member(void *ctx, const char *path, const char *what)
{
    struct page *page = ctx;
    size_t length = group_length(path);
    bool is_module = strncmp(path, "require ", 8) == 0;

    if (is_core(path) || strcmp(what, "module") == 0 || is_module != !strcmp(page->kind, "module"))
        return;
    if (strlen(page->group) != length || strncmp(page->group, path, length) != 0) {
        snprintf(page->group, sizeof page->group, "%.*s", (int)length, path);
        start_group(page, page->group);
    }
    put_word(page, path + length);
}

static void put_field(void *ctx, const char *path, const char *what)
{
    struct page *page = ctx;

    str_printf(page->out, "| `%s` | %s |\n", path, what);
}

static void put_part(struct page *page, struct version *version, const char *title,
                     const char *kind)
{
    start_group(page, title);
    page->kind = kind;
    sandbox_names(version->box, put_global, page);
}

static void put_withheld(struct str *out)
{
    const char *name, *advice;

    str_puts(out, "\n\n## What plain Lua has and policies have not\n\n"
                  "| name | instead |\n|---|---|\n");
    for (size_t i = 0; (name = sandbox_withheld(i, &advice)) != NULL; i++)
        str_printf(out, "| `%s` | %s |\n", name, advice);
}

static void put_limits(struct version *version, struct str *out)
{
    struct sandbox_usage usage;

    sandbox_usage(version->box, &usage);
    str_printf(out,
               "\n## Limits\n\n| what | unless the configuration says otherwise |\n|---|---|\n"
               "| instructions of a call | %llu |\n| wall time of a call | %llu ms |\n"
               "| memory of a version | %llu KiB |\n| print() of a call | %llu KiB |\n"
               "| nested pcall, sort, gsub, require, tostring | %llu |\n"
               "| keys of a table besides its list | 4096 |\n"
               "| a text that a function of `string` makes | 1 MiB |\n"
               "| sort | 20000 elements |\n| unpack | 7000 values |\n",
               (unsigned long long)usage.instructions.limit,
               (unsigned long long)usage.wall_us.limit / 1000,
               (unsigned long long)usage.memory_bytes.limit / 1024,
               (unsigned long long)usage.output_bytes.limit / 1024,
               (unsigned long long)usage.depth.limit);
}

static void put_page(struct version *version, struct str *out)
{
    struct page page = {.out = out};

    str_puts(out, "# What a policy can reach\n\n"
                  "Written by `tidelock policy environment` from the environment itself; a test\n"
                  "holds this page, the editor annotations and luacheck's list against it. There\n"
                  "is nothing else.\n\n## Globals\n");
    put_part(&page, version, "functions", "function");
    put_part(&page, version, "libraries", "library");
    put_part(&page, version, "records", "record");
    put_part(&page, version, "texts", "string");
    str_puts(out, "\n\n## Members of libraries, and methods\n");
    page.kind = "global";
    sandbox_names(version->box, put_member, &page);
    str_puts(out, "\n\n`s:upper()` and its like are the functions of `string`.\n\n"
                  "## The stock library\n");
    page.kind = "module";
    sandbox_names(version->box, put_member, &page);
    str_puts(out, "\n\n## Facts\n\n`f` is what gates, size and the others are given; a bar and a "
                  "fill come before it.\n\n| field | type |\n|---|---|\n");
    sandbox_record_names(version->views.facts, "f.", put_field, &page);
    sandbox_record_names(version->views.bar, "bar.", put_field, &page);
    sandbox_record_names(version->views.fill, "fill.", put_field, &page);
    put_withheld(out);
    put_limits(version, out);
}

static bool tell(struct policies *policies, void (*put)(struct version *, struct str *),
                 struct str *out, struct err *err)
{
    struct str text = STR_EMPTY;
    struct policy_version row;
    struct faults faults = {0};
    struct version *version;

    for (size_t i = 0; i < policies->stock_count; i++)
        if (strcmp(policies->stock[i].name, "tidelock.testing") != 0)
            str_printf(&text, "require '%s'\n", policies->stock[i].name);
    str_puts(&text, "return { name = 'environment', version = '1', description = 'nothing', "
                    "instruments = '*', size = function() end }\n");
    struct policy_source file = {"strategy.lua", str_text(&text), text.length};
    struct version_ask ask = {.strategy = "environment", .files = &file, .file_count = 1};
    version = version_build(policies, &ask, &row, &faults);
    if (version)
        put(version, out);
    else
        err_set(err, ERR_REFUSED, ERR_INPUT, "%s", faults.first);
    version_free(version);
    str_free(&text);
    return version != NULL;
}

bool policies_environment(struct policies *policies, struct str *out, struct err *err)
{
    return tell(policies, put_page, out, err);
}

bool policies_annotations(struct policies *policies, struct str *out, struct err *err)
{
    return tell(policies, annotations_put, out, err);
}
