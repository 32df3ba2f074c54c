/* Real Redis servers for tests: on free loopback ports, in a folder of their own, ended by pid, and
 * with the test should it die. */
#ifndef TIDELOCK_TESTS_REDIS_SERVER_H
#define TIDELOCK_TESTS_REDIS_SERVER_H
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REDIS_WORDS_MAX 40

struct redis_server {
    char folder[64];
    int port, bus; /* bus: of a cluster, 0: none */
    pid_t pid;
    int out; /* what it says */
    bool sentinel;
    char words[REDIS_WORDS_MAX][96];
    int word_count;
};

/* The socket stays bound, so nobody else is given its port; who allows addresses to be used again,
 * as servers do, may listen there. */
static inline int redis_free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    return ntohs(in.sin_port);
}

static inline void redis_server_word(struct redis_server *s, const char *format, ...)
{
    va_list list;
    assert_true(s->word_count < REDIS_WORDS_MAX);
    va_start(list, format);
    vsnprintf(s->words[s->word_count++], sizeof s->words[0], format, list);
    va_end(list);
}

/* The servers are one program with redis-check-rdb, which comes without a service that would be
 * started by installing it. */
static inline void redis_exec(char *const *argv)
{
    execvp("redis-server", argv);
    execvp("redis-check-rdb", argv);
    _exit(127);
}

/* Waits until it says one of the words. */
static inline void redis_server_await(struct redis_server *s, const char *one, const char *other)
{
    char text[32768];
    size_t length = 0;
    while (length < sizeof text - 1) {
        struct pollfd fd = {.fd = s->out, .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 20000), 1);
        ssize_t got = read(s->out, text + length, sizeof text - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
        text[length] = '\0';
        if (strstr(text, one) || strstr(text, other))
            return;
    }
    fprintf(stderr, "redis-server did not start:\n%s\n", text);
    assert_true(false);
}

/* With the words it was started with before, and empty: nothing is kept on disk. */
static inline void redis_server_run(struct redis_server *s)
{
    int ends[2];
    char *argv[REDIS_WORDS_MAX + 2] = {(char *)"redis-server"};
    for (int i = 0; i < s->word_count; i++)
        argv[i + 1] = s->words[i];
    assert_int_equal(pipe(ends), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        if (chdir(s->folder) != 0)
            _exit(127);
        redis_exec(argv);
    }
    close(ends[1]);
    s->out = ends[0];
    redis_server_await(s, "eady to accept connections", "Sentinel ID is");
}

static inline void redis_server_begin(struct redis_server *s)
{
    memset(s, 0, sizeof *s);
    snprintf(s->folder, sizeof s->folder, "/tmp/tidelock-redis-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->port = redis_free_port();
    redis_server_word(s, "--port");
    redis_server_word(s, "%d", s->port);
    redis_server_word(s, "--bind");
    redis_server_word(s, "127.0.0.1");
    redis_server_word(s, "--daemonize");
    redis_server_word(s, "no");
}

/* More words as pairs, NULL-terminated. */
static inline void redis_server_start(struct redis_server *s, ...)
{
    va_list list;
    redis_server_begin(s);
    redis_server_word(s, "--save");
    redis_server_word(s, "%s", "");
    va_start(list, s);
    for (const char *word; (word = va_arg(list, const char *));)
        redis_server_word(s, "%s", word);
    va_end(list);
    redis_server_run(s);
}

/* Watches the master, decides alone or with its fellows, soon. */
static inline void redis_server_sentinel(struct redis_server *s, int master_port, int quorum)
{
    char path[96];
    redis_server_begin(s);
    snprintf(path, sizeof path, "%.60s/sentinel.conf", s->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor book 127.0.0.1 %d %d\n"
            "sentinel down-after-milliseconds book 300\nsentinel failover-timeout book 3000\n",
            s->port, s->folder, master_port, quorum);
    fclose(file);
    s->word_count = 0;
    s->sentinel = true;
    redis_server_word(s, "%s", path);
    redis_server_word(s, "--sentinel");
    redis_server_run(s);
}

static inline void redis_server_kill(struct redis_server *s)
{
    if (!s->pid)
        return;
    kill(s->pid, SIGKILL); /* of one that is stopped, too */
    waitpid(s->pid, NULL, 0);
    close(s->out);
    s->pid = 0;
}

static inline void redis_server_pause(struct redis_server *s)
{
    kill(s->pid, SIGSTOP);
}

static inline void redis_server_resume(struct redis_server *s)
{
    kill(s->pid, SIGCONT);
}

static inline void redis_server_end(struct redis_server *s)
{
    static const char *const files[] = {"sentinel.conf", "nodes.conf", "dump.rdb"};
    char path[96];
    redis_server_kill(s);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%.60s/%s", s->folder, files[i]);
        unlink(path);
    }
    rmdir(s->folder);
}

/* One command by hand, blocking, words apart by blanks; the raw answer's beginning, or "" when the
 * server hung up instead: a Sentinel that makes a server master ends all its connections. */
static inline void redis_say_to(int port, char *out, size_t size, const char *command)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t length = 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_true(dprintf(fd, "%s\r\n", command) > 0);
    ssize_t got = recv(fd, out, size - 1, 0);
    while (got > 0) {
        length += (size_t)got;
        if (length >= size - 1 || out[0] != '$' || memchr(out, '\n', length))
            break;
        got = recv(fd, out + length, size - 1 - length, 0);
    }
    out[length] = '\0';
    close(fd);
}

static inline void redis_say(const struct redis_server *s, const char *command)
{
    char out[256];
    redis_say_to(s->port, out, sizeof out, command);
    if (out[0] == '-')
        fprintf(stderr, "%s: %s", command, out);
    assert_true(out[0] && out[0] != '-');
}
#endif
