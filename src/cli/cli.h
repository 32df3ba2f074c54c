/* The command line: a table of commands over tidelock.h. */
#ifndef TIDELOCK_CLI_CLI_H
#define TIDELOCK_CLI_CLI_H
#include "base/json.h"
#include "base/str.h"
#include "tidelock.h"
#include <stdio.h>

struct cli_option { /* "--name VALUE", or "--name" alone when it takes none */
    const char *name;
    const char *value; /* what it is called in the help; NULL: a flag */
    const char *help;
};
struct cli_args { /* what one command was given */
    const char *program, *command;
    const char *config;
    const char *words[8];
    size_t word_count;
    const char *values[12]; /* by index of the command's options; flags: "" */
    struct tidelock_io io;
};
struct cli_command {
    const char *name, *usage, *summary, *more, *example;
    size_t words_min, words_max;
    const struct cli_option *options;
    size_t option_count;
    int (*run)(struct cli_args *args);
};
extern const struct cli_command cli_host_commands[], cli_ask_commands[], cli_book_commands[],
    cli_offline_commands[];
extern const size_t cli_host_count, cli_ask_count, cli_book_count, cli_offline_count;

/* Parses, runs, returns the exit code. */
int cli_main(int argc, char **argv);
const struct cli_command *cli_at(size_t index); /* NULL past the last */

/* Asks the running host; prints its error and returns NULL when it does not answer 2xx, with *code
 * set. Free with tidelock_free_text. */
char *cli_ask(struct cli_args *args, const char *method, const char *path, const char *body,
              int *code);
/* Sends a change and prints `done`, or the answer as data. Frees the body; returns the exit code.
 */
int cli_change(struct cli_args *args, const char *path, struct str *body, const char *done);
void cli_put_who_why(struct str *body, const char *who, const char *why); /* JSON members */
/* The option's value, else $USER. */
const char *cli_user(const struct cli_args *args, size_t index);
/* "-": standard input; at most 1 MiB. */
bool cli_read_file(const char *path, struct str *body);
struct json *cli_parse(struct arena *arena, const char *text); /* NULL: not JSON */
int cli_usage(const struct cli_args *args, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *cli_text(const struct json *object, const char *key); /* "-" when absent */
#endif
