/* A PostgreSQL server of a test's own: in a private folder, on a Unix socket and a free loopback
 * port, run by somebody without rights, ended by its process id. */
#ifndef TEST_PG_SERVER_H
#define TEST_PG_SERVER_H
#include <arpa/inet.h>
#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct pg_server {
    char folder[64], data[96], bin[128];
    int port;
    pid_t pid;
    bool durable;         /* fsync on: for measuring */
    const char *settings; /* further "-c" settings, separated by spaces */
};

static inline void pg_server_fail(const char *what)
{
    fprintf(stderr, "PostgreSQL for tests: %s\n", what);
    exit(1);
}

/* The newest of Debian's versions, or what is on the PATH. */
static inline void pg_server_find(struct pg_server *server)
{
    DIR *versions = opendir("/usr/lib/postgresql");
    int best = 0, version;
    for (struct dirent *e; versions && (e = readdir(versions));)
        if (sscanf(e->d_name, "%d", &version) == 1 && version > best)
            best = version;
    if (versions)
        closedir(versions);
    if (best)
        snprintf(server->bin, sizeof server->bin, "/usr/lib/postgresql/%d/bin/", best);
}

static inline void pg_server_drop_rights(void)
{
    struct passwd *user = getpwnam("postgres");
    if (geteuid() != 0)
        return;
    if (!user && !(user = getpwnam("nobody")))
        pg_server_fail("there is neither a user postgres nor nobody");
    if (setgroups(0, NULL) || setgid(user->pw_gid) || setuid(user->pw_uid))
        pg_server_fail("rights cannot be given up");
}

static inline pid_t pg_server_spawn(const char *log, char *const argv[])
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid)
        return pid;
    pg_server_drop_rights();
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* a change of rights forgets it */
    if (!freopen(log, "a", stdout) || dup2(1, 2) < 0)
        _exit(126);
    execvp(argv[0], argv);
    _exit(127);
}

/* The socket stays bound, so nobody else is given its port; who allows addresses to be used again,
 * as servers do, may listen there. */
static inline int pg_server_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, length) ||
        getsockname(fd, (struct sockaddr *)&address, &length) ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on))
        pg_server_fail("no free port");
    return ntohs(address.sin_port);
}

/* The server writes "ready" into its file when it takes connections. */
static inline bool pg_server_answers(const struct pg_server *server)
{
    char path[128], line[200];
    bool ready = false;
    snprintf(path, sizeof path, "%s/postmaster.pid", server->data);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        ready = ready || strncmp(line, "ready", 5) == 0;
    if (file)
        fclose(file);
    return ready;
}

static inline void pg_server_run(struct pg_server *server)
{
    char program[160], log[160], port[16], sockets[96], all[600], stale[128];
    char *argv[40] = {program, "-D", server->data, "-p", port, "-k", sockets};
    int count = 7;
    snprintf(program, sizeof program, "%spostgres", server->bin);
    snprintf(log, sizeof log, "%s/log", server->folder);
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(sockets, sizeof sockets, "%s", server->folder);
    snprintf(all, sizeof all,
             "listen_addresses=127.0.0.1 max_connections=60 fsync=%s shared_buffers=32MB "
             "autovacuum_naptime=10s %s",
             server->durable ? "on" : "off", server->settings ? server->settings : "");
    char *rest = NULL;
    for (char *word = strtok_r(all, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        argv[count++] = "-c";
        argv[count++] = word;
    }
    snprintf(stale, sizeof stale, "%s/postmaster.pid", server->data);
    unlink(stale); /* of a server that was killed */
    server->pid = pg_server_spawn(log, argv);
    for (int i = 0; i < 2000 && !pg_server_answers(server); i++) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            pg_server_fail("the server ended at once");
        poll(NULL, 0, 10);
    }
}

static inline void pg_server_start(struct pg_server *server)
{
    char program[160], log[160];
    pg_server_find(server);
    snprintf(server->folder, sizeof server->folder, "/tmp/tidelock-pg-XXXXXX");
    if (!mkdtemp(server->folder))
        pg_server_fail("no folder");
    struct passwd *user = getpwnam("postgres");
    if (geteuid() == 0 && (user || (user = getpwnam("nobody"))) &&
        chown(server->folder, user->pw_uid, user->pw_gid))
        pg_server_fail("the folder cannot be given away");
    snprintf(server->data, sizeof server->data, "%s/data", server->folder);
    snprintf(program, sizeof program, "%sinitdb", server->bin);
    snprintf(log, sizeof log, "%s/log", server->folder);
    char *argv[] = {program, "-N",   "-A",         "trust", "-U",         "tidelock",
                    "-E",    "UTF8", "--locale=C", "-D",    server->data, NULL};
    int status = 0;
    waitpid(pg_server_spawn(log, argv), &status, 0);
    if (status)
        pg_server_fail("initdb failed; is the package postgresql installed?");
    server->port = pg_server_free_port();
    pg_server_run(server);
}

/* The rest of a process' line in /proc behind its name; false: no such process. */
static inline bool pg_server_stat(const char *pid, char line[512])
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    char *end = fgets(line, 512, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    if (end)
        memmove(line, end + 2, strlen(end + 2) + 1);
    return end != NULL;
}

static inline void pg_server_each(const struct pg_server *server,
                                  void (*each)(void *ctx, pid_t pid, const char *line), void *ctx)
{
    DIR *all = opendir("/proc");
    char line[512];
    for (struct dirent *e; all && (e = readdir(all));) {
        int parent = 0;
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 0 && pg_server_stat(e->d_name, line) && sscanf(line, "%*c %d", &parent) == 1 &&
            (parent == server->pid || pid == server->pid))
            each(ctx, pid, line);
    }
    if (all)
        closedir(all);
}

static inline void pg_server_signal_one(void *ctx, pid_t pid, const char *line)
{
    (void)line;
    kill(pid, *(const int *)ctx);
}

/* To the server and every process of it. */
static inline void pg_server_signal(const struct pg_server *server, int sig)
{
    pg_server_each(server, pg_server_signal_one, &sig);
}

static inline void pg_server_cpu_one(void *ctx, pid_t pid, const char *line)
{
    long long used[4] = {0}; /* user, system, and of children that have ended */
    (void)pid;
    if (sscanf(line, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld", &used[0],
               &used[1], &used[2], &used[3]) == 4)
        *(double *)ctx += (double)(used[0] + used[1] + used[2] + used[3]);
}

static inline void pg_server_kill_child(void *ctx, pid_t pid, const char *line)
{
    (void)line;
    if (pid != *(const pid_t *)ctx)
        kill(pid, SIGKILL);
}

static inline void pg_server_count_running(void *ctx, pid_t pid, const char *line)
{
    (void)pid;
    *(int *)ctx += *line != 'Z' && *line != 'X';
}

/* As if the machine had gone: of what it held, memory for one, nothing is left. (Its own immediate
 * shutdown can wait for ever for a session that is just beginning.) */
static inline void pg_server_crash(struct pg_server *server)
{
    int running = 2;
    kill(server->pid, SIGSTOP); /* so that its processes stay its children while they are found */
    pg_server_each(server, pg_server_kill_child, &server->pid);
    for (int i = 0; i < 30000 && running > 1; i++) { /* but itself */
        running = 0;
        pg_server_each(server, pg_server_count_running, &running);
        if (running > 1)
            poll(NULL, 0, 1);
    }
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

static inline void pg_server_stop(struct pg_server *server)
{
    pg_server_crash(server);
    if (strncmp(server->folder, "/tmp/tidelock-pg-", 17) != 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", server->folder, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

/* Of all its processes so far. */
static inline double pg_server_cpu_us(const struct pg_server *server)
{
    double ticks = 0;
    pg_server_each(server, pg_server_cpu_one, &ticks);
    return ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static inline void pg_server_base(const struct pg_server *server, const char *name)
{
    char program[160], port[16];
    int status = 0;
    snprintf(program, sizeof program, "%screatedb", server->bin);
    snprintf(port, sizeof port, "%d", server->port);
    char *argv[] = {program, "-h", "127.0.0.1", "-p", port, "-U", "tidelock", (char *)name, NULL};
    waitpid(pg_server_spawn("/dev/null", argv), &status, 0);
    if (status)
        pg_server_fail("createdb failed");
}

static inline void pg_server_url(const struct pg_server *server, const char *base, char *out,
                                 size_t size)
{
    snprintf(out, size, "postgresql://tidelock@127.0.0.1:%d/%s", server->port, base);
}
#endif
