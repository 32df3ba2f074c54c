/* Rows for the tests of stores. */
#ifndef TEST_STORE_ROWS_H
#define TEST_STORE_ROWS_H
#include "trade/record.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static inline struct decimal dec(const char *text)
{
    struct decimal d;
    bool ok = decimal_parse(text, strlen(text), &d, NULL);
    assert(ok);
    return d;
}

static inline struct signal signal_of(const char *id, int64_t received_us)
{
    struct signal s;
    row_init(&tables[TABLE_SIGNAL], &s);
    snprintf(s.id, sizeof s.id, "%s", id);
    snprintf(s.fingerprint, sizeof s.fingerprint, "f-%s", id);
    snprintf(s.strategy, sizeof s.strategy, "trend");
    snprintf(s.instrument, sizeof s.instrument, "NIFTY");
    snprintf(s.position, sizeof s.position, "Long_1");
    s.price = dec("101.25");
    s.extra = "{\"er\":\"0.8\"}";
    s.at_us = received_us - 1;
    s.received_us = received_us;
    s.version = 1;
    return s;
}

static inline struct account account_of(int64_t version, const char *equity)
{
    struct account a;
    row_init(&tables[TABLE_ACCOUNT], &a);
    snprintf(a.id, sizeof a.id, "main");
    a.equity = dec(equity);
    a.version = version;
    return a;
}

static inline struct order order_of(const char *id, enum order_state state)
{
    struct order o;
    row_init(&tables[TABLE_ORDER], &o);
    snprintf(o.id, sizeof o.id, "%s", id);
    o.state = state;
    o.version = 1;
    return o;
}

#endif
