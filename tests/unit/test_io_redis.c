/* The Redis client before real servers: answered, slow, gone, empty, replicas, Sentinels, a
 * cluster. Every wait ends by a deadline of ours. */
#include "io/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "redis_server.h"

#define PATIENCE_US 30000000
#define TIMEOUT_US 200000

static struct loop *loop;
static struct chance chance;
static struct redis *redis;
static struct redis_server server;
static int answers, ups, downs;
static struct err error;
static char text[256], message[64];
static int64_t number;

static const char *const scripts[] = {
    "if redis.call('get', KEYS[1]) == ARGV[1] then return 7 else return 0 end", NULL};

static void hear(void *owner, uint64_t handle, const struct err *err, const void *value)
{
    const struct redis_reply *reply = value;
    (void)owner;
    (void)handle;
    answers++;
    err_clear(&error);
    if (err) {
        error = *err;
        return;
    }
    snprintf(text, sizeof text, "%s", redis_reply_text(reply, NULL));
    number = redis_reply_number(reply);
}

static void note_up(void *ctx)
{
    (void)ctx;
    ups++;
}

static void note_down(void *ctx)
{
    (void)ctx;
    downs++;
}

static void note_message(void *ctx, const char *said, size_t length)
{
    (void)ctx;
    snprintf(message, sizeof message, "%.*s", (int)length, said);
}

static void wait_a_turn(void)
{
    while (loop_turn(loop, 0)) {
    }
    struct pollfd fd = {.fd = loop_fd(loop), .events = POLLIN};
    int64_t next_ms = loop_next_ms(loop);
    assert_true(poll(&fd, 1, (int)(next_ms > 20 ? 20 : next_ms)) >= 0);
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        int64_t until_us = loop_steady_us(loop) + PATIENCE_US;                                     \
        while (!(condition)) {                                                                     \
            wait_a_turn();                                                                         \
            if (loop_steady_us(loop) > until_us)                                                   \
                fail_msg("never: %s", #condition);                                                 \
        }                                                                                          \
    } while (0)

static enum err_code ask_in(const char *key, int64_t timeout_us, const char *const *words)
{
    int before = answers;
    redis_command(redis, key, words, timeout_us, (struct waiter){.answer = hear});
    assert_int_equal(answers, before);
    UNTIL(answers > before);
    assert_int_equal(answers, before + 1);
    return error.code;
}
#define ASK(key, ...) ask_in((key), 0, (const char *const[]){__VA_ARGS__, NULL})

static enum err_code eval(const char *key, const char *argument)
{
    int before = answers;
    redis_eval(redis, 0, key, (const char *const[]){argument, NULL}, 0,
               (struct waiter){.answer = hear});
    UNTIL(answers > before);
    return error.code;
}

static void open_url(const char *url)
{
    struct redis_options options = {.loop = loop,
                                    .chance = &chance,
                                    .url = url,
                                    .channel = "grown",
                                    .timeout_us = TIMEOUT_US,
                                    .scripts = scripts,
                                    .on_up = note_up,
                                    .on_down = note_down,
                                    .on_message = note_message};
    redis = redis_open(&options, &error);
    assert_non_null(redis);
}

static void open_server(const struct redis_server *at)
{
    char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", at->port);
    open_url(url);
}

static int set_up(void **state)
{
    (void)state;
    answers = ups = downs = 0;
    message[0] = '\0';
    chance_seed(&chance, 1);
    loop = loop_new(clock_real(), NULL, &error);
    return loop ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    redis_close(redis);
    redis = NULL;
    redis_server_end(&server);
    loop_free(loop);
    return 0;
}

static void test_commands(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    open_server(&server);
    assert_int_equal(ASK(NULL, "PING"), ERR_IO); /* not connected yet: at once */
    assert_int_equal(error.class, ERR_NOT_DONE);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK("k", "SET", "k", "value"), ERR_OK);
    assert_string_equal(text, "OK");
    assert_int_equal(ASK("k", "GET", "k"), ERR_OK);
    assert_string_equal(text, "value");
    assert_int_equal(ASK("k", "INCR", "k"), ERR_INPUT);
    assert_int_equal(error.class, ERR_REFUSED);
    assert_int_equal(eval("k", "value"), ERR_OK);
    assert_int_equal(number, 7);
    redis_say(&server, "SCRIPT FLUSH"); /* forgotten scripts are sent again */
    assert_int_equal(eval("k", "value"), ERR_OK);
    assert_int_equal(number, 7);
    struct redis_status status;
    redis_status(redis, &status);
    assert_true(status.up && *status.version);
    assert_string_equal(status.eviction, "noeviction");
}

static void test_messages(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    open_server(&server);
    UNTIL(redis_up(redis, NULL));
    UNTIL((ASK(NULL, "PUBLISH", "grown", "41"), number) == 1); /* it is heard by one */
    UNTIL(strcmp(message, "41") == 0);
}

static void test_hang(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    open_server(&server);
    UNTIL(redis_up(redis, NULL));
    redis_server_pause(&server);
    int64_t before_us = loop_steady_us(loop);
    assert_int_equal(ask_in(NULL, 20000, (const char *const[]){"INCR", "n", NULL}), ERR_TIMEOUT);
    assert_int_equal(error.class, ERR_MAYBE_DONE);
    assert_true(loop_steady_us(loop) - before_us < 20000000);
    /* Nobody waits a second time. */
    assert_false(redis_up(redis, NULL));
    assert_int_equal(ASK(NULL, "INCR", "n"), ERR_BUSY);
    assert_int_equal(error.class, ERR_LATER);
    redis_server_resume(&server);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK(NULL, "GET", "n"), ERR_OK);
    assert_string_equal(text, "1"); /* done once, though it was not heard */
    /* A longer one: the connection is given up, and made again. */
    redis_server_pause(&server);
    ASK(NULL, "PING");
    UNTIL(downs == 1);
    redis_server_resume(&server);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK(NULL, "PING"), ERR_OK);
}

static void test_kill_and_empty(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    open_server(&server);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK("k", "SET", "k", "value"), ERR_OK);
    int before = answers;
    redis_server_pause(&server);
    redis_command(redis, NULL, (const char *const[]){"PING", NULL}, 0,
                  (struct waiter){.answer = hear});
    wait_a_turn();
    redis_server_kill(&server);
    UNTIL(answers > before);
    assert_int_equal(error.class, ERR_MAYBE_DONE);
    UNTIL(downs == 1);
    redis_server_run(&server);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(eval("k", "value"), ERR_OK);
    assert_int_equal(number, 0); /* it has forgotten everything */
    UNTIL((ASK(NULL, "PUBLISH", "grown", "x"), number) == 1);
}

static void test_credentials(void **state)
{
    (void)state;
    char url[96];
    redis_server_start(&server, "--requirepass", "right", NULL);
    snprintf(url, sizeof url, "redis://:wrong@127.0.0.1:%d", server.port);
    open_url(url);
    struct redis_status status;
    UNTIL((redis_status(redis, &status), strstr(status.text, "password")));
    assert_null(strstr(status.text, "wrong"));
    redis_close(redis);
    snprintf(url, sizeof url, "redis://default:r%%69ght@127.0.0.1:%d/3", server.port);
    open_url(url);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK("k", "SET", "k", "v"), ERR_OK);
    char out[128];
    redis_say_to(server.port, out, sizeof out, "AUTH right\r\nSELECT 3\r\nGET k");
}

static void test_memory_full(void **state)
{
    (void)state;
    redis_server_start(&server, "--maxmemory", "1", NULL);
    open_server(&server);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK("k", "SET", "k", "v"), ERR_FULL);
    assert_int_equal(error.class, ERR_LATER);
}

static void test_huge_reply(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    open_server(&server);
    UNTIL(redis_up(redis, NULL));
    redis_say(&server, "SETRANGE big 20000000 x");
    assert_int_equal(ASK("big", "GET", "big"), ERR_IO);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK(NULL, "PING"), ERR_OK);
}

static void test_replica_is_refused(void **state)
{
    (void)state;
    struct redis_server replica;
    char port[12];
    redis_server_start(&server, NULL);
    snprintf(port, sizeof port, "%d", server.port);
    redis_server_start(&replica, "--replicaof", "127.0.0.1", port, NULL);
    open_server(&replica);
    struct redis_status status;
    UNTIL((redis_status(redis, &status), strstr(status.text, "replica")));
    assert_false(redis_up(redis, NULL));
    redis_server_end(&replica);
}

/* The master dies; whom the Sentinels choose is found, and the one that comes back is not taken
 * for it. */
static void test_sentinels(void **state)
{
    (void)state;
    struct redis_server replica, sentinels[3];
    char port[12], url[160], out[256];
    redis_server_start(&server, "--repl-diskless-sync-delay", "0", NULL);
    snprintf(port, sizeof port, "%d", server.port);
    redis_server_start(&replica, "--replicaof", "127.0.0.1", port, NULL);
    for (int i = 0; i < 3; i++)
        redis_server_sentinel(&sentinels[i], server.port, 2);
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/book",
             sentinels[0].port, sentinels[1].port, sentinels[2].port);
    open_url(url);
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK("k", "SET", "k", "v"), ERR_OK);
    /* The Sentinels know one another and the replica before anything happens. */
    for (int i = 0; i < 3; i++)
        UNTIL((redis_say_to(sentinels[i].port, out, sizeof out, "SENTINEL CKQUORUM book"),
               strstr(out, "OK 3 usable")));
    UNTIL((redis_say_to(sentinels[0].port, out, sizeof out, "SENTINEL REPLICAS book"), out[1]) ==
          '1');
    UNTIL((redis_say_to(replica.port, out, sizeof out, "GET k"), out[0] == '$' && out[1] == '1'));
    redis_server_kill(&server);
    UNTIL(!redis_up(redis, NULL));
    UNTIL(redis_up(redis, NULL));
    assert_int_equal(ASK("k", "GET", "k"), ERR_OK);
    assert_string_equal(text, "v");
    redis_server_run(&server); /* comes back as a master nobody follows */
    struct redis_status status;
    redis_status(redis, &status);
    assert_true(redis_up(redis, NULL));
    for (int i = 0; i < 3; i++)
        redis_server_end(&sentinels[i]);
    redis_server_end(&replica);
}

static void start_cluster(struct redis_server servers[3])
{
    char command[96], out[4096];
    for (int i = 0; i < 3; i++) {
        redis_server_begin(&servers[i]);
        redis_server_word(&servers[i], "--save");
        redis_server_word(&servers[i], "%s", "");
        redis_server_word(&servers[i], "--cluster-enabled");
        redis_server_word(&servers[i], "yes");
        redis_server_word(&servers[i], "--cluster-port");
        servers[i].bus = redis_free_port();
        redis_server_word(&servers[i], "%d", servers[i].bus);
        redis_server_run(&servers[i]);
        snprintf(command, sizeof command, "CLUSTER ADDSLOTSRANGE %d %d", i * 5461,
                 i == 2 ? 16383 : i * 5461 + 5460);
        redis_say(&servers[i], command);
        snprintf(command, sizeof command, "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
        redis_say(&servers[i], command);
    }
    for (int i = 1; i < 3; i++) {
        snprintf(command, sizeof command, "CLUSTER MEET 127.0.0.1 %d %d", servers[i].port,
                 servers[i].bus);
        redis_say(&servers[0], command);
    }
    for (int i = 0; i < 3; i++)
        UNTIL((redis_say_to(servers[i].port, out, sizeof out, "CLUSTER INFO"),
               strstr(out, "cluster_state:ok") != NULL));
}

static void test_cluster(void **state)
{
    (void)state;
    struct redis_server servers[3];
    char url[96], key[16];
    start_cluster(servers);
    memset(&server, 0, sizeof server);
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%d", servers[0].port);
    open_url(url);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "key{%d}", i);
        UNTIL(redis_up(redis, key));
        assert_int_equal(ASK(key, "SET", key, "v"), ERR_OK);
        assert_int_equal(eval(key, "v"), ERR_OK);
        assert_int_equal(number, 7);
    }
    /* A server dies: its slots are out, the others serve. */
    redis_server_kill(&servers[2]);
    UNTIL(!redis_up(redis, "key{0}") || !redis_up(redis, "key{1}") || !redis_up(redis, "key{2}") ||
          !redis_up(redis, "key{3}"));
    int left = 0;
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "key{%d}", i);
        left += redis_up(redis, key);
    }
    assert_true(left > 0 && left < 20);
    redis_close(redis);
    redis = NULL;
    for (int i = 0; i < 3; i++)
        redis_server_end(&servers[i]);
}

/* A slot moves from one server to another while it is used. */
static void test_cluster_moves(void **state)
{
    (void)state;
    struct redis_server servers[3];
    char url[96], command[96], ids[2][64], out[256];
    start_cluster(servers);
    memset(&server, 0, sizeof server);
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%d", servers[1].port);
    open_url(url);
    /* CRC16("123456789") is 0x31c3: slot 12739, of the third. */
    UNTIL(redis_up(redis, "123456789"));
    for (int i = 0; i < 2; i++) {
        redis_say_to(servers[i * 2].port, out, sizeof out, "CLUSTER MYID");
        snprintf(ids[i], sizeof ids[i], "%.40s", strchr(out, '\n') + 1);
    }
    snprintf(command, sizeof command, "CLUSTER SETSLOT 12739 IMPORTING %s", ids[1]);
    redis_say(&servers[0], command);
    snprintf(command, sizeof command, "CLUSTER SETSLOT 12739 MIGRATING %s", ids[0]);
    redis_say(&servers[2], command);
    UNTIL(ASK("123456789", "SET", "123456789", "v") == ERR_OK); /* ASK: the key is not there */
    redis_say_to(servers[2].port, out, sizeof out, "GET 123456789");
    assert_true(strncmp(out, "-ASK", 4) == 0);
    for (int i = 0; i < 3; i++) {
        snprintf(command, sizeof command, "CLUSTER SETSLOT 12739 NODE %s", ids[0]);
        redis_say(&servers[i], command);
    }
    UNTIL(ASK("123456789", "GET", "123456789") == ERR_OK); /* MOVED */
    assert_string_equal(text, "v");
    redis_close(redis);
    redis = NULL;
    for (int i = 0; i < 3; i++)
        redis_server_end(&servers[i]);
}

/* Whatever answers there: no connection comes of it, nothing grows, nothing waits for ever. */
static void test_hostile_server(void **state)
{
    (void)state;
    static const char *const answers_to_all[] = {
        "*4294967295\r\n",
        "*1000000\r\n",
        "$9999999999\r\n",
        "$-9\r\n",
        "*-5\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ":99999999999999999999999\r\n",
        "+",
        "\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "*0\r\n*0\r\n*0\r\n*0\r\n",
        "*2\r\n:1\r\n:2\r\n$-1\r\n:1\r\n+OK\r\n",
        "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
        "*1\r\n$6\r\nmaster\r\n$4\r\nredi\r\n$3\r\nabc\r\n+OK\r\n*1\r\n:5\r\n-",
        "",
    };
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    char bytes[64], url[64];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &size), 0);
    memset(&server, 0, sizeof server);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", ntohs(in.sin_port));
    for (size_t i = 0; i < 120; i++) {
        int fd = -1;
        open_url(url);
        UNTIL((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
        if (i < sizeof answers_to_all / sizeof *answers_to_all) {
            send(fd, answers_to_all[i], strlen(answers_to_all[i]), MSG_NOSIGNAL);
        } else {
            for (size_t b = 0; b < sizeof bytes; b++)
                bytes[b] = "*$:+-0123456789\r\nmaster"[chance_below(&chance, 23)];
            send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        }
        for (int turn = 0; turn < 4; turn++)
            while (loop_turn(loop, 0)) {
            }
        ASK("k", "GET", "k");
        redis_close(redis);
        close(fd);
    }
    redis = NULL;
    close(listener);
}

/* Answers each command of a greeting as a server would; `said` to the subscription. */
static void play_server(int fd, const char *said)
{
    char in[4096];
    ssize_t got = recv(fd, in, sizeof in - 1, 0);
    if (got <= 0)
        return;
    in[got] = '\0';
    for (const char *at = in; (at = strchr(at, '*')); at++) {
        const char *reply = "+OK\r\n";
        const char *word = strchr(at, '$');
        word = word ? strchr(word, '\n') : NULL;
        if (!word)
            break;
        if (strncmp(word + 1, "ROLE", 4) == 0)
            reply = "*1\r\n$6\r\nmaster\r\n";
        else if (strncmp(word + 1, "INFO", 4) == 0)
            reply = "$20\r\nredis_version:7.0.0\n\r\n";
        else if (strncmp(word + 1, "SCRIPT", 6) == 0)
            reply = "$4\r\nabcd\r\n";
        else if (strncmp(word + 1, "SUBSCRIBE", 9) == 0)
            reply = said;
        send(fd, reply, strlen(reply), MSG_NOSIGNAL);
    }
}

static void test_hostile_messages(void **state)
{
    (void)state;
    static const char *const said[] = {
        "*1\r\n:1\r\n",
        "+OK\r\n",
        ":1\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "*3\r\n$7\r\nmessage\r\n:1\r\n$1\r\nx\r\n",
        "*3\r\n:1\r\n:1\r\n:1\r\n",
        "*3\r\n$11\r\nunsubscribe\r\n$5\r\ngrown\r\n$1\r\nx\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$5\r\ngrown\r\n:1\r\n*2\r\n$7\r\nmessage\r\n$5\r\ngrown\r\n",
        "*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$1\r\nx\r\n+OK\r\n",
        "*3\r\n*1\r\n:1\r\n$5\r\ngrown\r\n$1\r\nx\r\n",
        "-ERR no\r\n",
    };
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    char url[64];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &size), 0);
    memset(&server, 0, sizeof server);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", ntohs(in.sin_port));
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        int fds[3] = {-1, -1, -1}, count = 0;
        open_url(url);
        /* One for commands, one to hear with; that one ends and comes again, or lives on. */
        for (int turns = 0; turns < 25; turns++) {
            int fd = count < 3 ? accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
            if (fd >= 0)
                fds[count++] = fd;
            for (int f = 0; f < count; f++)
                play_server(fds[f], said[i]);
            wait_a_turn();
        }
        assert_true(count >= 2);
        assert_true(redis_up(redis, NULL));
        redis_close(redis);
        while (count > 0)
            close(fds[--count]);
        for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;)
            close(fd);
    }
    redis = NULL;
    close(listener);
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const bad[] = {"http://x",
                                      "redis://",
                                      "redis://a,b",
                                      "redis://a:0",
                                      "redis://a:99999",
                                      "redis://a/x",
                                      "redis://u:%zz@a",
                                      "redis+sentinel://a",
                                      "redis+sentinel://a/",
                                      "redis+cluster://a/1",
                                      "redis://[::1",
                                      ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct redis_options options = {.loop = loop, .chance = &chance, .url = bad[i]};
        assert_null(redis_open(&options, &error));
        assert_int_equal(error.code, ERR_CONFIG);
    }
    struct redis_options options = {.loop = loop, .chance = &chance, .url = "rediss://a"};
    assert_null(redis_open(&options, &error));
    assert_non_null(strstr(error.text, "TLS"));
    open_url("redis://nobody:secret@no.such.host.invalid:1"); /* looked up beside the loop */
    struct redis_status status;
    UNTIL((redis_status(redis, &status), strstr(status.text, "DNS")));
    assert_null(strstr(status.text, "secret"));
    redis_close(redis);
    open_url("redis://another.such.host.invalid"); /* closed while it is looked up */
    wait_a_turn();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_urls),           TEST(test_hostile_server),     TEST(test_hostile_messages),
        TEST(test_commands),       TEST(test_messages),           TEST(test_hang),
        TEST(test_kill_and_empty), TEST(test_credentials),        TEST(test_memory_full),
        TEST(test_huge_reply),     TEST(test_replica_is_refused), TEST(test_sentinels),
        TEST(test_cluster),        TEST(test_cluster_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
