/* Why: one parser and one help for every command. */
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const struct cli_command *list;
    const size_t *count;
} groups[] = {{cli_host_commands, &cli_host_count},
              {cli_ask_commands, &cli_ask_count},
              {cli_book_commands, &cli_book_count},
              {cli_offline_commands, &cli_offline_count}};
static const char *const group_titles[] = {
    "The host", "A running host", "The books of a running host", "What is stored, and strategies"};

const struct cli_command *cli_at(size_t index)
{
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        if (index < *groups[g].count)
            return &groups[g].list[index];
        index -= *groups[g].count;
    }
    return NULL;
}

static const struct cli_command *find_command(const char *name)
{
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_at(i)) != NULL; i++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

int cli_usage(const struct cli_args *args, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "tidelock %s: ", args->command);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\nTry `tidelock %s --help`.\n", args->command);
    va_end(list);
    return TIDELOCK_USAGE;
}

const char *cli_text(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, key);
    if (!value || value->type == JSON_NULL)
        return "-";
    if (value->type == JSON_TRUE || value->type == JSON_FALSE)
        return value->type == JSON_TRUE ? "yes" : "no";
    return value->text && *value->text ? value->text : "-";
}

static void print_general_help(FILE *out)
{
    fprintf(out,
            "Tidelock %s: a Lua-scriptable trading host\n\nUsage: tidelock COMMAND [OPTIONS]\n",
            tidelock_version());
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        fprintf(out, "\n%s\n", group_titles[g]);
        for (size_t i = 0; i < *groups[g].count; i++)
            fprintf(out, "  %-12s %s\n", groups[g].list[i].name, groups[g].list[i].summary);
    }
    fprintf(out, "\nEvery command takes --config FILE (or $TIDELOCK_CONFIG, ./tidelock.lua, "
                 "./examples/demo.lua)\n"
                 "and, where its output is data, --json. `tidelock COMMAND --help` says more.\n"
                 "\nExample:\n  tidelock run --config examples/demo.lua\n");
}

static void print_help(const struct cli_command *command)
{
    printf("Usage: tidelock %s%s%s\n\n%s.\n", command->name, *command->usage ? " " : "",
           command->usage, command->summary);
    if (command->more)
        printf("\n%s\n", command->more);
    printf("\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", command->options[i].name,
                 command->options[i].value ? " " : "",
                 command->options[i].value ? command->options[i].value : "");
        printf("  %-24s %s\n", left, command->options[i].help);
    }
    printf("  %-24s %s\n  %-24s %s\n  %-24s %s\n", "--config FILE", "the configuration", "--json",
           "data as JSON", "--help", "this text");
    printf("\nExample:\n  %s\n", command->example);
}

static const char *default_config(void)
{
    const char *named = getenv("TIDELOCK_CONFIG");
    if (named)
        return named;
    return access("tidelock.lua", R_OK) != 0 && access("examples/demo.lua", R_OK) == 0
               ? "examples/demo.lua"
               : "tidelock.lua";
}

static size_t option_index(const struct cli_command *command, const char *name, size_t length)
{
    size_t i = 0;
    while (i < command->option_count && (strlen(command->options[i].name) != length ||
                                         strncmp(command->options[i].name, name, length) != 0))
        i++;
    return i;
}

/* One "--option": returns how many words it took, 0 when it is wrong (said already). */
static int take_option(const struct cli_command *command, struct cli_args *args, int left,
                       char **word)
{
    const char *name = word[0] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    bool config = length == 6 && strncmp(name, "config", 6) == 0;
    if (length == 4 && strncmp(name, "json", 4) == 0) {
        args->io.json = 1;
        return 1;
    }
    size_t index = option_index(command, name, length);
    if (!config && index == command->option_count) {
        cli_usage(args, "there is no option --%.*s", (int)length, name);
        return 0;
    }
    if (!config && !command->options[index].value) {
        args->values[index] = "";
        return 1;
    }
    const char *value = equals ? equals + 1 : left > 1 ? word[1] : NULL;
    if (!value) {
        cli_usage(args, "--%.*s needs a value", (int)length, name);
        return 0;
    }
    if (config)
        args->config = value;
    else
        args->values[index] = value;
    return equals ? 1 : 2;
}

static int run_command(const struct cli_command *command, struct cli_args *args, int argc,
                       char **argv)
{
    for (int i = 0; i < argc;) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(command);
            return TIDELOCK_OK;
        }
        if (text_starts(argv[i], "--") && argv[i][2]) {
            int taken = take_option(command, args, argc - i, argv + i);
            if (!taken)
                return TIDELOCK_USAGE;
            i += taken;
        } else if (args->word_count < command->words_max) {
            args->words[args->word_count++] = argv[i++];
        } else {
            return cli_usage(args, "\"%s\" is one word too many; usage: tidelock %s %s", argv[i],
                             command->name, command->usage);
        }
    }
    if (args->word_count < command->words_min)
        return cli_usage(args, "usage: tidelock %s %s", command->name, command->usage);
    return command->run(args);
}

int cli_main(int argc, char **argv)
{
    if (argc < 2) {
        print_general_help(stderr);
        return TIDELOCK_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        const struct cli_command *command = argc > 2 ? find_command(argv[2]) : NULL;
        if (command)
            print_help(command);
        else
            print_general_help(stdout);
        return TIDELOCK_OK;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const struct cli_command *command = find_command(name);
    if (!command) {
        fprintf(stderr, "tidelock: there is no command \"%s\"; `tidelock --help` lists them\n",
                argv[1]);
        return TIDELOCK_USAGE;
    }
    struct cli_args args = {.program = argv[0],
                            .command = name,
                            .config = default_config(),
                            .io = {.out = stdout, .err = stderr}};
    args.io.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    return run_command(command, &args, argc - 2, argv + 2);
}

/* Prints {"error": ...} of an answer, or the answer. */
static void print_refusal(struct cli_args *args, int status, const char *answer)
{
    struct arena arena;
    arena_init(&arena, 4096);
    struct err err = {0};
    const struct json *root =
        answer ? json_parse(&arena, answer, strlen(answer), NULL, &err) : NULL;
    const char *sentence = root ? json_text(root, "error") : NULL;
    if (status)
        fprintf(stderr, "tidelock %s: the host answered %d: %s\n", args->command, status,
                sentence ? sentence
                : answer ? answer
                         : "");
    else
        fprintf(stderr, "tidelock %s: %s\n", args->command, answer ? answer : "no answer");
    arena_free(&arena);
}

char *cli_ask(struct cli_args *args, const char *method, const char *path, const char *body,
              int *code)
{
    char *answer = NULL;
    int status = tidelock_ask(args->config, method, path, body, &answer);
    *code = status >= 200 && status < 300 ? TIDELOCK_OK : TIDELOCK_FAILED;
    if (*code == TIDELOCK_OK)
        return answer;
    print_refusal(args, status, answer);
    tidelock_free_text(answer);
    return NULL;
}
