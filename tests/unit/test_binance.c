/* Binance without a network: signatures against those of clients that are not ours, what a reply
 * says of an order, and what a symbol's rules make of one. */
#include "broker/binance_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "binance_golden.h"
#include <openssl/evp.h>
#include <openssl/pem.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define SPOT (&binance_variants[BINANCE_SPOT])
#define USDM (&binance_variants[BINANCE_USDM])

static void sign_with(const char *secret, const char *payload, struct str *out)
{
    struct err err;
    struct binance_key *key = binance_key_new(secret, strlen(secret), &err);
    assert_non_null(key);
    str_clear(out);
    assert_true(binance_sign(key, payload, strlen(payload), out, &err));
    binance_key_free(key);
}

static void signs_as_others_do(void **state)
{
    (void)state;
    struct str out = STR_EMPTY;
    assert_true(COUNT(golden_hmac) >= 59);
    for (size_t i = 0; i < COUNT(golden_hmac); i++) {
        sign_with("testsecret", golden_hmac[i].payload, &out);
        assert_string_equal(str_text(&out), golden_hmac[i].signature);
    }
    /* The published examples. */
    static const char secret[] = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    sign_with(secret,
              "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&"
              "recvWindow=5000&timestamp=1499827319559",
              &out);
    assert_string_equal(str_text(&out),
                        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
    struct str query = STR_EMPTY;
    binance_put(&query, "symbol",
                "\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x93\xEF\xBC\x94\xEF\xBC\x95"
                "\xEF\xBC\x96");
    str_puts(&query, "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&"
                     "timestamp=1499827319559");
    sign_with(secret, str_text(&query), &out);
    assert_string_equal(str_text(&out),
                        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3");
    str_free(&query);
    str_free(&out);
}

/* RFC 8032, 7.1, test 2: the secret 4ccd089b... signs the one byte 72. */
static const char rfc_pair[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
                               "-----END PRIVATE KEY-----\n";

static bool verifies(const char *payload, const char *signature)
{
    uint8_t bytes[96];
    size_t size = sizeof bytes;
    BIO *bio = BIO_new_mem_buf(golden_public, -1);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = base64_parse(signature, strlen(signature), bytes, &size) &&
              EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(ctx, bytes, size, (const uint8_t *)payload, strlen(payload)) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok;
}

static void signs_with_ed25519(void **state)
{
    (void)state;
    struct str out = STR_EMPTY, query = STR_EMPTY;
    struct err err;
    uint8_t bytes[64];
    char hex[129];
    size_t size = sizeof bytes;
    sign_with(rfc_pair, "\x72", &out);
    assert_true(base64_parse(out.data, out.length, bytes, &size) && size == 64);
    hex_print(bytes, 64, hex);
    assert_string_equal(hex, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                             "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    struct binance_key *key = binance_key_new(rfc_pair, sizeof rfc_pair - 1, &err);
    binance_put(&query, "a", "b");
    assert_true(binance_put_signature(&query, key, &err));
    assert_null(strpbrk(str_text(&query) + strlen("a=b&signature="), "+/=&"));
    binance_key_free(key);
    for (size_t i = 0; i < COUNT(golden_ed25519); i++)
        assert_true(verifies(golden_ed25519[i].payload, golden_ed25519[i].signature));
    str_free(&out);
    str_free(&query);
}

static void refuses_keys_that_are_none(void **state)
{
    (void)state;
    struct err err;
    static const char broken[] = "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----\n";
    assert_null(binance_key_new("", 0, &err));
    assert_null(binance_key_new(broken, sizeof broken - 1, &err));
    assert_null(binance_key_new(golden_public, sizeof golden_public - 1, &err));
    assert_int_equal(err.code, ERR_CONFIG);
}

static void encodes_what_travels(void **state)
{
    (void)state;
    struct str q = STR_EMPTY;
    struct decimal half = decimal_ratio(1, 100000);
    binance_put(&q, "plain", "azAZ09-_.~");
    binance_put(&q, "odd", "a b+c/d=e&f\xC3\xA9");
    binance_put_decimal(&q, "quantity", half);
    binance_put_int(&q, "timestamp", 1499827319559);
    assert_string_equal(str_text(&q), "plain=azAZ09-_.~&odd=a%20b%2Bc%2Fd%3De%26f%C3%A9&"
                                      "quantity=0.00001&timestamp=1499827319559");
    str_free(&q);
}

static void knows_what_is_certain(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        int code;
        const char *message;
        bool json;
        enum err_class spot, usdm;
    } rows[] = {
        {200, 0, "", true, ERR_NONE, ERR_NONE},
        {200, 0, "", false, ERR_MAYBE_DONE, ERR_MAYBE_DONE}, /* cut, or HTML */
        {302, 0, "", false, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {400, 0, "", false, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {400, 0, "", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {400, -1006, "", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {400, -1007, "", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {400, -1000, "", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {400, -9999, "new", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {400, -1013, "Filter failure: LOT_SIZE", true, ERR_REFUSED, ERR_REFUSED},
        {400, -1111, "", true, ERR_REFUSED, ERR_REFUSED},
        {400, -1121, "", true, ERR_REFUSED, ERR_REFUSED},
        {400, -1131, "", true, ERR_REFUSED, ERR_REFUSED},
        {400, -1021, "", true, ERR_NOT_DONE, ERR_NOT_DONE},
        {401, -2015, "", true, ERR_REFUSED, ERR_REFUSED},
        {400, -2010, "Account has insufficient balance", true, ERR_REFUSED, ERR_REFUSED},
        {400, -2010, "Duplicate order sent.", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {400, -2019, "Margin is insufficient.", true, ERR_MAYBE_DONE, ERR_REFUSED},
        {400, -4164, "", true, ERR_MAYBE_DONE, ERR_REFUSED},
        {400, -4116, "", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {403, 0, "", false, ERR_LATER, ERR_LATER},
        {408, -1007, "", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {409, -2021, "", true, ERR_REFUSED, ERR_REFUSED},
        {418, -1003, "", true, ERR_LATER, ERR_LATER},
        {429, -1003, "", true, ERR_LATER, ERR_LATER},
        {429, 0, "", false, ERR_LATER, ERR_LATER},
        {429, -1015, "", true, ERR_LATER, ERR_LATER},
        {500, -1000, "", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {502, 0, "", false, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {500, -2010, "", true, ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {503, -1000, "Unknown error, please check your request or try again later.", true,
         ERR_MAYBE_DONE, ERR_MAYBE_DONE},
        {503, -1000, "Service Unavailable.", true, ERR_MAYBE_DONE, ERR_LATER},
        {503, -1001, "Internal error; unable to process your request. Please try again.", true,
         ERR_MAYBE_DONE, ERR_LATER},
        {503, -1008, "", true, ERR_MAYBE_DONE, ERR_LATER},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum err_class spot =
            binance_judge(SPOT, rows[i].status, rows[i].code, rows[i].message, rows[i].json);
        enum err_class usdm =
            binance_judge(USDM, rows[i].status, rows[i].code, rows[i].message, rows[i].json);
        if (spot != rows[i].spot || usdm != rows[i].usdm)
            print_message("%u %d\n", rows[i].status, rows[i].code);
        assert_int_equal(spot, rows[i].spot);
        assert_int_equal(usdm, rows[i].usdm);
    }
}

/* ---- filters ---- */

static struct decimal dec(const char *text)
{
    struct decimal value = decimal_bad();
    struct err err;
    assert_true(!*text || decimal_parse(text, strlen(text), &value, &err));
    return value;
}

static struct instrument btc;
static struct binance_symbol symbol;

static int read_symbol(void **state)
{
    (void)state;
    static const char text[] =
        "{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\",\"quoteAsset\":"
        "\"USDT\",\"filters\":[{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01\",\"maxPrice\":"
        "\"1000000\",\"tickSize\":\"0.01\"},{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00001\","
        "\"maxQty\":\"9000\",\"stepSize\":\"0.00001\"},{\"filterType\":\"MARKET_LOT_SIZE\","
        "\"minQty\":\"0\",\"maxQty\":\"100\",\"stepSize\":\"0\"},{\"filterType\":\"NOTIONAL\","
        "\"minNotional\":\"5\",\"applyMinToMarket\":true,\"maxNotional\":\"9000000\","
        "\"applyMaxToMarket\":false},{\"filterType\":\"NEW_ONE\",\"x\":[1]}]}";
    struct arena arena;
    struct err err;
    btc = (struct instrument){.name = "BTC", .symbol = "BTCUSDT", .lot_size = dec("1")};
    arena_init(&arena, 4096);
    binance_symbol_init(&symbol, &btc);
    binance_symbol_read(&symbol, json_parse(&arena, text, sizeof text - 1, NULL, &err));
    arena_free(&arena);
    return symbol.known && strcmp(symbol.base, "BTC") == 0 ? 0 : -1;
}

static struct order an_order(enum order_kind kind, enum order_side side, const char *quantity,
                             const char *limit, const char *stop)
{
    return (struct order){.kind = kind,
                          .side = side,
                          .quantity = dec(quantity),
                          .limit_price = dec(limit),
                          .stop_price = dec(stop),
                          .reference_price = dec("50000"),
                          .tif = TIF_GTC};
}

static void expect_shape(const struct order *order, const char *type, const char *limit,
                         const char *stop)
{
    struct binance_wish wish;
    struct err err = {0};
    if (!binance_shape(&symbol, SPOT, order, &wish, &err))
        print_message("%s\n", err.text);
    assert_int_equal(err.class, ERR_NONE);
    assert_string_equal(wish.type, type);
    assert_true(*limit ? decimal_eq(wish.limit_price, dec(limit)) : !decimal_ok(wish.limit_price));
    assert_true(*stop ? decimal_eq(wish.stop_price, dec(stop)) : !decimal_ok(wish.stop_price));
}

static void shapes_orders_never_worse(void **state)
{
    (void)state;
    struct order o = an_order(ORDER_MARKET, ORDER_BUY, "0.01", "", "");
    expect_shape(&o, "MARKET", "", "");
    o = an_order(ORDER_LIMIT, ORDER_BUY, "0.01", "50000.019", "");
    expect_shape(&o, "LIMIT", "50000.01", "");
    o.side = ORDER_SELL;
    expect_shape(&o, "LIMIT", "50000.02", "");
    o = an_order(ORDER_STOP, ORDER_SELL, "0.01", "", "49000.001");
    expect_shape(&o, "STOP_LOSS", "", "49000");
    o.reduces = true; /* protects a long: rather a tick early */
    expect_shape(&o, "STOP_LOSS", "", "49000.01");
    o.side = ORDER_BUY;
    expect_shape(&o, "STOP_LOSS", "", "49000");
    o = an_order(ORDER_STOP, ORDER_BUY, "0.01", "51000", "50500");
    expect_shape(&o, "STOP_LOSS_LIMIT", "51000", "50500");
}

static void expect_refusal(const struct order *order, const char *sentence)
{
    struct binance_wish wish;
    struct err err = {0};
    assert_false(binance_shape(&symbol, SPOT, order, &wish, &err));
    if (!strstr(err.text, sentence))
        print_message("%s\n", err.text);
    assert_non_null(strstr(err.text, sentence));
    assert_int_equal(err.class, ERR_REFUSED);
}

static void refuses_what_breaks_a_rule(void **state)
{
    (void)state;
    struct order o = an_order(ORDER_MARKET, ORDER_BUY, "0.000015", "", "");
    expect_refusal(&o, "is not a multiple of 0.00001; set quantity_step");
    o.quantity = dec("100.00001");
    expect_refusal(&o, "is above the most 100");
    o.quantity = dec("0.00009");
    expect_refusal(&o, "worth 4.5 is below the least 5");
    o = an_order(ORDER_LIMIT, ORDER_BUY, "9001", "1", "");
    expect_refusal(&o, "is above the most 9000");
    o = an_order(ORDER_LIMIT, ORDER_BUY, "1", "0.001", "");
    expect_refusal(&o, "is not above 0");
    o = an_order(ORDER_LIMIT, ORDER_BUY, "1", "", "");
    expect_refusal(&o, "no limit price");
    o = an_order(ORDER_LIMIT, ORDER_BUY, "1", "1000001", "");
    expect_refusal(&o, "is above the most 1000000");
    btc.lot_size = dec("1000"); /* lots are converted before they are judged */
    o = an_order(ORDER_MARKET, ORDER_BUY, "1", "", "");
    expect_refusal(&o, "quantity 1000 is above the most 100");
}

static void waits_while_a_symbol_rests(void **state)
{
    (void)state;
    struct order o = an_order(ORDER_MARKET, ORDER_BUY, "0.01", "", "");
    struct binance_wish wish;
    struct err err;
    text_copy(symbol.status, sizeof symbol.status, "HALT");
    assert_false(binance_shape(&symbol, SPOT, &o, &wish, &err));
    assert_int_equal(err.class, ERR_LATER);
}

static void reads_states(void **state)
{
    (void)state;
    enum order_state out;
    assert_true(binance_state_of("EXPIRED_IN_MATCH", &out) && out == ORDER_EXPIRED);
    assert_true(binance_state_of("PENDING_CANCEL", &out) && out == ORDER_ACKNOWLEDGED);
    assert_true(binance_state_of("CANCELED", &out) && out == ORDER_CANCELLED);
    assert_false(binance_state_of("NOVEL", &out));
    assert_false(binance_state_of(NULL, &out));
}

int main(void)
{
#define FRESH(name) cmocka_unit_test_setup(name, read_symbol)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_others_do),
        cmocka_unit_test(signs_with_ed25519),
        cmocka_unit_test(refuses_keys_that_are_none),
        cmocka_unit_test(encodes_what_travels),
        cmocka_unit_test(knows_what_is_certain),
        cmocka_unit_test(reads_states),
        FRESH(shapes_orders_never_worse),
        FRESH(refuses_what_breaks_a_rule),
        FRESH(waits_while_a_symbol_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
