/* TLS at both ends: our server with a certificate made here, our client that trusts exactly it. */
#include "io/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/str.h"
#include "io/http_server.h"

static char root[64], cert_path[96], key_path[96];
static struct loop *loop;
static struct http_server *server;
static struct http_client *client;

static void sign(X509 *cert, EVP_PKEY *key)
{
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(cert, key, EVP_sha256());
}

static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    sign(cert, key);
    FILE *f = fopen(cert_path, "w");
    PEM_write_X509(f, cert);
    fclose(f);
    f = fopen(key_path, "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static uint64_t owed;

static void answer_owed(void *ctx)
{
    (void)ctx;
    http_answer(server, owed, 200, "text/plain", "late", 4, NULL, 0);
}

static void handle(const struct http_request *r)
{
    if (text_equal(r->path, "/late")) {
        owed = r->handle;
        loop_defer(loop, answer_owed, NULL);
        return;
    }
    http_answer(server, r->handle, r->secure ? 200 : 500, "text/plain", r->body, r->body_length,
                NULL, 0);
}

static int start(void **state)
{
    (void)state;
    struct err err;
    snprintf(root, sizeof root, "/tmp/tidelock-tls-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(cert_path, sizeof cert_path, "%s/cert.pem", root);
    snprintf(key_path, sizeof key_path, "%s/key.pem", root);
    make_certificate();
    struct http_server_options options = {
        .handler = handle, .tls_cert_path = cert_path, .tls_key_path = key_path};
    loop = loop_new(clock_real(), NULL, &err);
    server = http_server_new(loop, &options, &err);
    client = http_client_new(loop, 0, 0, &err);
    return server && client ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    http_client_free(client);
    http_server_free(server);
    loop_free(loop);
    unlink(cert_path);
    unlink(key_path);
    rmdir(root);
    return 0;
}

struct got {
    bool answered;
    struct err err;
    struct str body;
};

static void keep(void *owner, uint64_t handle_, const struct err *err, const void *value)
{
    struct got *got = owner;
    const struct http_reply *reply = value;
    (void)handle_;
    got->answered = true;
    if (err)
        got->err = *err;
    else
        str_put(&got->body, reply->body, reply->body_length);
}

static void fetch(struct http_fetch_request *request, const char *path, struct got *got)
{
    char url[96];
    snprintf(url, sizeof url, "https://127.0.0.1:%u%s", http_server_port(server), path);
    request->url = url;
    *got = (struct got){0};
    http_fetch(client, request, (struct waiter){.answer = keep, .owner = got});
    while (!got->answered)
        loop_turn(loop, 1000);
}

static void carries_requests_and_late_answers(void **state)
{
    (void)state;
    static char body[60000];
    struct got got;
    struct http_fetch_request request = {.method = "POST", .ca_path = cert_path};
    memset(body, 'x', sizeof body);
    for (int i = 0; i < 3; i++) { /* over one kept-alive connection */
        request.body = body;
        request.body_length = sizeof body;
        fetch(&request, "/", &got);
        assert_int_equal(got.body.length, sizeof body);
        str_free(&got.body);
        request.body_length = 0;
        fetch(&request, "/late", &got);
        assert_string_equal(str_text(&got.body), "late");
        str_free(&got.body);
    }
}

static void an_unknown_certificate_sends_nothing(void **state)
{
    (void)state;
    struct got got;
    struct http_fetch_request request = {0};
    fetch(&request, "/", &got);
    assert_int_equal(got.err.class, ERR_NOT_DONE);
    assert_int_equal(http_server_stats(server).requests, 0);
}

static void a_wrong_key_is_refused(void **state)
{
    (void)state;
    struct err err;
    struct http_server_options options = {
        .handler = handle, .tls_cert_path = cert_path, .tls_key_path = cert_path};
    assert_null(http_server_new(loop, &options, &err));
    assert_int_equal(err.code, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(carries_requests_and_late_answers, start, stop),
        cmocka_unit_test_setup_teardown(an_unknown_certificate_sends_nothing, start, stop),
        cmocka_unit_test_setup_teardown(a_wrong_key_is_refused, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
