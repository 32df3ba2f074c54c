/* Why: what `tidelock policy` does: check and test work on a folder, list, push and rollback on the
 * running host. */
#include "host.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int check_folder(const struct config *config, const char *folder, struct tidelock_io *io)
{
    struct arena arena;
    arena_init(&arena, 65536);
    struct policies *policies = host_open_policies(config, NULL, NULL, NULL, clock_real());
    struct policy_source *files = NULL;
    size_t count = 0;
    struct err err = {0};
    struct str report = STR_EMPTY;
    struct policy_version version = {0};
    const char *slash = strrchr(folder, '/'), *name = slash && slash[1] ? slash + 1 : folder;
    bool ok = policy_read_folder(folder, &arena, &files, &count, &err) &&
              policies_check(policies, name, files, count, NULL, 0, &version, &report, &err);
    if (ok)
        host_print(io->out,
                   io->json ? "{\"strategy\":\"%s\",\"version\":\"%s\",\"hash\":\"%s\"}\n"
                            : "%s %s is sound (%.12s)\n",
                   name, version.version, version.hash);
    else
        host_print(io->err, "%s\n", report.length ? str_text(&report) : err.text);
    str_free(&report);
    policies_free(policies);
    arena_free(&arena);
    return ok ? TIDELOCK_OK : TIDELOCK_FAILED;
}

/* The strategy's own specs, run by busted in a checkout, whose lua/ has the testing library. */
static int test_folder(const char *folder, struct tidelock_io *io)
{
    char spec[1024];
    snprintf(spec, sizeof spec, "%s/spec", folder);
    fflush(io->out);
    pid_t child = fork();
    if (child == 0) {
        execlp("busted", "busted", "--lua=luajit", "--pattern=_spec", "--lpath=lua/?.lua", spec,
               (char *)NULL);
        _exit(127);
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
        host_print(
            io->err,
            "tidelock policy test: busted is not installed (Debian: apt install lua-busted)\n");
        return TIDELOCK_FAILED;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? TIDELOCK_OK : TIDELOCK_FAILED;
}

static void print_policies(const char *json, struct tidelock_io *io)
{
    struct arena arena;
    arena_init(&arena, 65536);
    struct err err = {0};
    struct json_limits limits = {.depth = 24, .nodes = 100000};
    const struct json *root = json_parse(&arena, json, strlen(json), &limits, &err);
    for (const struct json *one = root ? root->child : NULL; one; one = one->next) {
        const char *name = json_text(one, "name"), *version = json_text(one, "version"),
                   *hash = json_text(one, "hash");
        host_print(io->out, "%-16s %-10s %.12s\n", name ? name : "-", version ? version : "-",
                   hash ? hash : "-");
    }
    arena_free(&arena);
}

static int ask_host(const char *config_path, const char *verb, const char *what, const char *author,
                    struct tidelock_io *io)
{
    bool list = strcmp(verb, "list") == 0;
    char path[160] = "/api/policies";
    if (!list)
        snprintf(path, sizeof path, "/api/policies/%s/%s", what, verb);
    struct str body = STR_EMPTY;
    str_puts(&body, "{\"who\":");
    str_put_json(&body, author ? author : "operator");
    str_putc(&body, '}');
    char *answer = NULL;
    int status = tidelock_ask(config_path, list ? "GET" : "POST", path,
                              list ? NULL : str_text(&body), &answer);
    bool ok = status >= 200 && status < 300;
    if (!ok)
        host_print(io->err, "tidelock policy: %s\n", answer ? answer : "no answer");
    else if (list && !io->json)
        print_policies(answer, io);
    else
        host_print(io->out, "%s\n", answer);
    tidelock_free_text(answer);
    str_free(&body);
    return ok ? TIDELOCK_OK : TIDELOCK_FAILED;
}

static int print_environment(const struct config *config, bool annotations, struct tidelock_io *io)
{
    struct policies *policies = host_open_policies(config, NULL, NULL, NULL, clock_real());
    struct str page = STR_EMPTY;
    struct err err = {0};
    bool ok = annotations ? policies_annotations(policies, &page, &err)
                          : policies_environment(policies, &page, &err);
    if (ok)
        host_print(io->out, "%s", str_text(&page));
    else
        host_print(io->err, "tidelock policy: %s\n", err.text);
    str_free(&page);
    policies_free(policies);
    return ok ? TIDELOCK_OK : TIDELOCK_FAILED;
}

int tidelock_policy(const char *config_path, const char *verb, const char *what, const char *author,
                    struct tidelock_io *io)
{
    if (strcmp(verb, "test") == 0)
        return test_folder(what, io);
    bool annotations = strcmp(verb, "annotations") == 0;
    bool environment = annotations || strcmp(verb, "environment") == 0;
    if (!environment && strcmp(verb, "check") != 0)
        return ask_host(config_path, verb, what, author, io);
    struct config config;
    int code = host_read_config_or_default(config_path, &config, io);
    if (code != TIDELOCK_OK)
        return code;
    code =
        environment ? print_environment(&config, annotations, io) : check_folder(&config, what, io);
    config_free(&config);
    return code;
}
