/* What editors (Lua Language Server) are told, from the rows that make the records and functions
 * themselves: lua/tidelock.d.lua is this text. */
#include "policy/inner.h"

#include "policy/rows.h"

#include <string.h>

#define NAMED_MAX 72 /* more than fits on a line: the guide has the list */

/* "---@field stop? decimal           where it is left", as one line. */
static void put_field(struct str *out, const char *name, bool may_be_nil, const char *type,
                      const char *about)
{
    size_t from = out->length;

    str_printf(out, "---@field %s%s %s", name, may_be_nil ? "?" : "", type);
    if (about) {
        str_puts(out, "  ");
        while (out->length < from + 36)
            str_putc(out, ' ');
        str_puts(out, about);
    }
    str_putc(out, '\n');
}

static void put_more(struct str *out, const struct told *told)
{
    put_field(out, told->name, told->may_be_nil, told->type, told->about);
}

static void put_row(struct str *out, const struct row *row)
{
    static const char *const types[] = {
        [ROW_TEXT] = "string",  [ROW_DECIMAL] = "decimal", [ROW_COUNT] = "integer",
        [ROW_TIME] = "integer", [ROW_FLAG] = "boolean",    [ROW_NAMED] = NULL};
    struct str named = STR_EMPTY;

    for (size_t i = 0; row->kind == ROW_NAMED && row->names[i]; i++)
        str_printf(&named, "%s'%s'", i > 0 ? "|" : "", row->names[i]);
    put_field(out, row->name, row->may_be_nil,
              row->kind != ROW_NAMED     ? types[row->kind]
              : named.length > NAMED_MAX ? "string"
                                         : str_text(&named),
              row->about);
    str_free(&named);
}

static void put_group(struct str *out, const struct group *group)
{
    str_printf(out, "\n---@class %s\n", group->name);
    for (size_t i = 0; i < group->more_count; i++)
        put_more(out, &group->more[i]);
    for (size_t i = 0; i < group->count; i++)
        put_row(out, &group->rows[i]);
}

static void put_facts(struct str *out)
{
    for (int i = GROUP_SIGNAL; i < GROUP_COUNT; i++)
        put_group(out, &groups[i]);
    str_puts(out,
             "\n--- Everything a policy may know. Frozen; a field it does not have is an error, "
             "an absent\n--- value nil.");
    put_group(out, &groups[GROUP_FACTS]);
    str_puts(out, "\n--- An item of the list that on_bar returns: a signal of the strategy's own.\n"
                  "---@class bar_signal\n");
    for (const struct told *told = signal_answer; told->name; told++)
        put_more(out, told);
    str_puts(out,
             "\n--- An item of the list that on_bar returns: moves the stop of an open layer, "
             "only ever nearer to\n--- the price. Rounded to the tick towards the price; equal "
             "or farther ones change nothing.\n---@class stop_move\n");
    for (const struct told *told = stop_answer; told->name; told++)
        put_more(out, told);
    str_puts(out,
             "\n--- What reconcile(difference, f) may return: adopt, close_here, cancel_there, "
             "use_broker, flatten,\n--- freeze, alert or ignore, alone or as `action`.\n"
             "---@class match_answer\n");
    for (const struct told *told = match_answer; told->name; told++)
        put_more(out, told);
    str_puts(out, "\n--- What rollover(due, f) may return; true alone means now.\n"
                  "---@class roll_answer\n");
    for (const struct told *told = roll_answer; told->name; told++)
        put_more(out, told);
}

/* Each line behind "--- ". */
static void put_sentences(struct str *out, const char *text)
{
    while (text && *text) {
        size_t length = strcspn(text, "\n");

        str_printf(out, "--- %.*s\n", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static const char *skip_divider(const char *at)
{
    return at + strspn(at, ", ");
}

/* The parameters of "(a: integer, b?: decimal)", each on its line; then "a, b" into `names`. */
static void put_parameters(struct str *out, const char *about, struct str *names)
{
    const char *end = about + strcspn(about, ")");
    const char *at = *about == '(' ? about + 1 : end;

    while (at < end) {
        size_t length = strcspn(at, ",)"), name = strcspn(at, "?:");
        const char *type = at + name + strspn(at + name, "?: ");
        bool may_be_nil = at[name] == '?';

        str_printf(out, "---@param %.*s%s %.*s\n", (int)name, at, may_be_nil ? "?" : "",
                   (int)(at + length - type), type);
        str_printf(names, "%s%.*s", names->length > 0 ? ", " : "", (int)name, at);
        at = skip_divider(at + length);
    }
}

static void put_function(struct str *out, const char *prefix, const struct bind_function *row)
{
    struct str names = STR_EMPTY;
    size_t head = strcspn(row->about, "\n");
    const char *result = row->about + strcspn(row->about, ")");

    put_sentences(out, row->about[head] ? row->about + head + 1 : NULL);
    if (!row->call) {
        str_printf(out, "---@type %.*s\n%s%s = nil\n", (int)head, row->about, prefix, row->name);
        return;
    }
    put_parameters(out, row->about, &names);
    if (strncmp(result, "): ", 3) == 0)
        str_printf(out, "---@return %.*s\n", (int)(row->about + head - result - 3), result + 3);
    str_printf(out, "function %s%s(%s) end\n", prefix, row->name, str_text(&names));
    str_free(&names);
}

static bool is_operator(const struct bind_function *row)
{
    return strncmp(row->name, "__", 2) == 0;
}

static void put_functions(struct str *out, const char *prefix, const struct bind_told *told)
{
    for (size_t i = 0; i < told->count; i++)
        if (!is_operator(&told->rows[i]))
            put_function(out, prefix, &told->rows[i]);
}

static void put_operators(struct str *out, const struct bind_told *told)
{
    for (size_t i = 0; i < told->count; i++)
        if (is_operator(&told->rows[i]) && told->rows[i].about)
            str_printf(out, "---@operator %s%s\n", told->rows[i].name + 2, told->rows[i].about);
}

static const struct bind_told *find_type(const struct bind_told *all, const char *name)
{
    while (all && (all->place != BIND_TYPE || strcmp(all->name, name) != 0))
        all = all->next;
    return all;
}

/* A library that has the name of a type is called to make one, and has its methods, too. */
static void put_library(struct str *out, const struct bind_told *all, const struct bind_told *told)
{
    const struct bind_told *type = find_type(all, told->name);
    char prefix[64];

    snprintf(prefix, sizeof prefix, "%s.", told->name);
    str_putc(out, '\n');
    put_sentences(out, told->about);
    if (type)
        str_printf(out, "---@class %ss\n---@overload fun(value: string|number|%s): %s\n",
                   told->name, told->name, told->name);
    str_printf(out, "%s = {}\n", told->name);
    put_functions(out, prefix, told);
    for (size_t i = 0; type && i < type->count; i++)
        if (!is_operator(&type->rows[i]))
            str_printf(out, "%s%s = %s_methods.%s\n", prefix, type->rows[i].name, told->name,
                       type->rows[i].name);
}

static void put_type(struct str *out, const struct bind_told *told)
{
    char prefix[64];

    snprintf(prefix, sizeof prefix, "%s_methods:", told->name);
    str_putc(out, '\n');
    put_sentences(out, told->about);
    str_printf(out, "---@class %s\n", told->name);
    put_operators(out, told);
    str_printf(out, "local %s_methods = {}\n", told->name);
    put_functions(out, prefix, told);
}

static void put_module(struct str *out, const struct bind_told *told)
{
    const char *dot = strrchr(told->name, '.');
    const char *name = dot ? dot + 1 : told->name;
    char prefix[64];

    snprintf(prefix, sizeof prefix, "%s.", name);
    str_putc(out, '\n');
    put_sentences(out, told->about);
    str_printf(out, "--- require \"%s\"\n---@class %s\nlocal %s = {}\n", told->name, told->name,
               name);
    put_functions(out, prefix, told);
}

/* The oldest first: what was told later may use what was told before. */
static void put_bindings(struct str *out, const struct bind_told *all, const struct bind_told *told)
{
    if (!told)
        return;
    put_bindings(out, all, told->next);
    switch (told->place) {
    case BIND_TYPE:
        put_type(out, told);
        break;
    case BIND_LIBRARY:
        put_library(out, all, told);
        break;
    case BIND_MODULE:
        put_module(out, told);
        break;
    case BIND_GLOBALS:
        str_puts(out, "\n---@alias inputs table<string, decimal|number|string|boolean>\n\n");
        put_functions(out, "", told);
        break;
    }
}

void annotations_put(struct version *version, struct str *out)
{
    const struct bind_told *all = bind_told(version->box);

    str_puts(out, "-- luacheck: ignore\n---@meta\n"
                  "-- What the sandbox gives to policies, for editors (Lua Language Server). Never "
                  "loaded.\n-- Written by `tidelock policy annotations` from the rows of it; "
                  "a test holds it against them.\n");
    put_bindings(out, all, all);
    str_puts(out,
             "\n--- The strategy's parameters: frozen, known from start() and the gates on, not "
             "while files load.\n---@type table<string, decimal|integer|boolean|string>\n"
             "params = {}\n");
    put_facts(out);
}
