/* Why: the commands that are, or prepare, the host itself. */
#include "cli/cli.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int run_host(struct cli_args *args)
{
    struct tidelock_options options = {
        .size = sizeof options, .config_path = args->config, .traps = 1, .log_fd = STDERR_FILENO};
    char error[8192];
    int status = TIDELOCK_OK;
    struct tidelock *t = tidelock_open(&options, error, sizeof error, &status);
    if (!t) {
        fprintf(stderr, "%s%s%s", status == TIDELOCK_CONFIG ? "" : "tidelock run: ", error,
                strchr(error, '\n') ? "" : "\n");
        return status;
    }
    int code = tidelock_run(t);
    tidelock_close(t);
    return code;
}

static int run_check(struct cli_args *args)
{
    if (args->values[1]) {
        printf("%s", tidelock_config_help());
        return TIDELOCK_OK;
    }
    return tidelock_check(args->config, args->values[0] != NULL, &args->io);
}

static int run_migrate(struct cli_args *args)
{
    const char *verb = args->words[0];
    if (strcmp(verb, "up") != 0 && strcmp(verb, "down") != 0 && strcmp(verb, "status") != 0)
        return cli_usage(args, "\"%s\" is none of up, down, status", verb);
    return tidelock_migrate(args->config, verb, args->values[0], &args->io);
}

static int run_version(struct cli_args *args)
{
    printf(args->io.json ? "{\"version\":\"%s\"}\n" : "tidelock %s\n", tidelock_version());
    return TIDELOCK_OK;
}

/* Words a shell may complete: bash and zsh (through bashcompinit). */
static int run_completion(struct cli_args *args)
{
    (void)args;
    const struct cli_command *command;
    printf(
        "_tidelock() {\n    local word=\"${COMP_WORDS[COMP_CWORD]}\" command=\"${COMP_WORDS[1]}\" "
        "words=\n    if [ \"$COMP_CWORD\" = 1 ]; then\n        words='");
    for (size_t i = 0; (command = cli_at(i)) != NULL; i++)
        printf("%s%s", i ? " " : "", command->name);
    printf("'\n    else case \"$command\" in\n");
    for (size_t i = 0; (command = cli_at(i)) != NULL; i++) {
        printf("        %s) words='--config --json --help", command->name);
        for (size_t o = 0; o < command->option_count; o++)
            printf(" --%s", command->options[o].name);
        printf("' ;;\n");
    }
    printf("    esac; fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -o "
           "default -F _tidelock tidelock\n");
    return TIDELOCK_OK;
}

static const struct cli_option check_options[] = {
    {"print", NULL, "print the effective configuration (secrets as their references)"},
    {"settings", NULL, "list every setting with its default and meaning"}};
static const struct cli_option migrate_options[] = {
    {"to", "VERSION", "up or down to this version"}};

const struct cli_command cli_host_commands[] = {
    {"run", "", "Start the host and keep it in the foreground",
     "SIGTERM or Ctrl-C stops it in five logged steps; a second one forces.\nExit code 0 only if "
     "every step finished, 78 for a wrong configuration.",
     "tidelock run --config examples/demo.lua", 0, 0, NULL, 0, run_host},
    {"check", "",
     "Read the configuration and the strategies, and tell every fault with file and line", NULL,
     "tidelock check --config tidelock.lua", 0, 0, check_options, 2, run_check},
    {"migrate", "up|down|status", "Bring the database's schema up or down, or show where it stands",
     NULL, "tidelock migrate status", 1, 1, migrate_options, 1, run_migrate},
    {"version", "", "Print the version", NULL, "tidelock version --json", 0, 0, NULL, 0,
     run_version},
    {"completion", "", "Print shell completion for bash (zsh: bashcompinit)", NULL,
     "source <(tidelock completion)", 0, 0, NULL, 0, run_completion},
};
const size_t cli_host_count = sizeof cli_host_commands / sizeof cli_host_commands[0];
