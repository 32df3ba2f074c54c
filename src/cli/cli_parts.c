/* Why: what several commands of a running host do alike. */
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1 << 20)

struct json *cli_parse(struct arena *arena, const char *text)
{
    struct err err = {0};
    struct json_limits limits = {.depth = 32, .nodes = 100000};
    return json_parse(arena, text, strlen(text), &limits, &err);
}

bool cli_read_file(const char *path, struct str *body)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        return false;
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0 && body->length < FILE_MAX;)
        str_put(body, chunk, n);
    if (file != stdin)
        fclose(file);
    return true;
}

const char *cli_user(const struct cli_args *args, size_t index)
{
    const char *name = args->values[index] ? args->values[index] : getenv("USER");
    return name ? name : "operator";
}

void cli_put_who_why(struct str *body, const char *who, const char *why)
{
    str_puts(body, "\"who\":");
    str_put_json(body, who);
    str_puts(body, ",\"why\":");
    str_put_json(body, why);
}

int cli_change(struct cli_args *args, const char *path, struct str *body, const char *done)
{
    int code = 0;
    char *answer = cli_ask(args, "POST", path, str_text(body), &code);
    if (answer)
        printf("%s\n", args->io.json ? answer : done);
    tidelock_free_text(answer);
    str_free(body);
    return code;
}
