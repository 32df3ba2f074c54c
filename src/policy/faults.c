/* Faults of a strategy: all of them at once, each with its place, and with what was probably meant.
 */
#include "policy/inner.h"

#include <stdio.h>
#include <string.h>

void fault_add(struct faults *faults, const char *path, const char *format, ...)
{
    int line = path && faults->lines ? table_lines_at(faults->lines, path) : 0;
    char sentence[400], whole[600];
    va_list list;

    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    if (!path)
        snprintf(whole, sizeof whole, "%s", sentence);
    else if (line > 0)
        snprintf(whole, sizeof whole, "%s:%d: %s%s%s", faults->file, line, path, *path ? ": " : "",
                 sentence);
    else
        snprintf(whole, sizeof whole, "%s: %s%s%s", faults->file, path, *path ? ": " : "",
                 sentence);
    if (faults->count++ == 0)
        text_copy(faults->first, sizeof faults->first, whole);
    if (faults->report && faults->count <= 100)
        str_printf(faults->report, "%s\n", whole);
}

void fault_script(struct faults *faults, const struct sandbox *box)
{
    const struct sandbox_failure *failure = sandbox_failure(box);
    const char *at = failure->trace, *more = strchr(at, '\n');

    fault_add(faults, NULL, "%s", failure->text);
    if (!faults->report || faults->count > 100)
        return;
    if (failure->source[0])
        str_printf(faults->report, "  %5d | %s\n", failure->line, failure->source);
    for (; more && (more[1] || at != failure->trace); more = strchr(at, '\n')) {
        str_printf(faults->report, "      %.*s\n", (int)(more - at), at); /* two frames at least */
        at = more + 1;
    }
}

struct advising {
    struct faults *faults;
    const char *file;
};

static void add_advice(void *ctx, int line, const char *name, const char *advice)
{
    const struct advising *advising = ctx;

    fault_add(advising->faults, NULL, "%s:%d: '%s' is not available: %s", advising->file, line,
              name, advice);
}

void fault_withheld(struct faults *faults, const struct policy_source *file)
{
    struct advising advising = {faults, file->name};

    (void)sandbox_advise(file->text, file->length, add_advice, &advising);
}

/* Edits (insert, drop, change, swap of neighbours) that turn one text into the other. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][48], a_length = strlen(a), b_length = strlen(b);

    if (a_length >= 47 || b_length >= 47)
        return 99;
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a_length % 3][b_length];
}

const char *fault_near(const char *text, const char *const *names)
{
    size_t nearest = strlen(text) < 5 ? 2 : 3; /* below this: a typing mistake */
    const char *found = NULL;

    for (; *names; names++) {
        size_t edits = distance(text, *names);

        if (edits < nearest) {
            nearest = edits;
            found = *names;
        }
    }
    return found;
}
