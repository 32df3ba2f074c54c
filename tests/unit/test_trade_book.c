/* The book against a slow reference: random puts and removes, and every question it answers. */
#include "trade/book.h"
#include "trade/order.h"
#include "trade_random.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#define KEYS 60

/* The reference: a list in order of first insertion. */
struct reference {
    struct position rows[KEYS];
    size_t count;
};

static struct position *reference_find(struct reference *r, const char *key)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->rows[i].id, key) == 0)
            return &r->rows[i];
    return NULL;
}

static void reference_put(struct reference *r, const struct position *row)
{
    struct position *known = reference_find(r, row->id);
    *(known ? known : &r->rows[r->count++]) = *row;
}

static void reference_remove(struct reference *r, const char *key)
{
    struct position *known = reference_find(r, key);
    if (!known)
        return;
    r->count--;
    memmove(known, known + 1, (size_t)(r->rows + r->count - known) * sizeof *known);
}

static size_t reference_open(struct reference *r, const char *strategy, const char *instrument,
                             const struct position **out)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct position *p = &r->rows[i];
        if (p->status == POSITION_CLOSED || (strategy && strcmp(p->strategy, strategy) != 0) ||
            (instrument && strcmp(p->instrument, instrument) != 0))
            continue;
        size_t at = count++;
        while (at > 0 && out[at - 1]->opened_us > p->opened_us) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = p;
    }
    return count;
}

static void same_set(const struct position **a, size_t a_count, const struct position **b,
                     size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        assert_int_equal(a[i]->opened_us, b[i]->opened_us);
        bool found = false;
        for (size_t j = 0; j < b_count; j++)
            found |= strcmp(a[i]->id, b[j]->id) == 0 &&
                     row_equal(&tables[TABLE_POSITION], a[i], b[j], NULL);
        assert_true(found);
    }
}

struct walk {
    struct reference *reference;
    size_t at;
};

static bool in_order(void *ctx, const void *row)
{
    struct walk *walk = ctx;
    assert_true(walk->at < walk->reference->count);
    assert_true(row_equal(&tables[TABLE_POSITION], row, &walk->reference->rows[walk->at++], NULL));
    return true;
}

static void random_position(struct chance *chance, struct position *row)
{
    row_init(&tables[TABLE_POSITION], row);
    snprintf(row->id, sizeof row->id, "p%d", (int)chance_below(chance, KEYS));
    snprintf(row->strategy, sizeof row->strategy, "s%d", (int)chance_below(chance, 3));
    snprintf(row->instrument, sizeof row->instrument, "i%d", (int)chance_below(chance, 3));
    row->status = (enum position_status)chance_below(chance, 4);
    row->opened_us = (int64_t)chance_below(chance, 20);
    row->quantity = random_decimal(chance);
    row->version = (int64_t)chance_below(chance, 1000);
}

static void equals_a_slow_reference(void **state)
{
    (void)state;
    struct chance chance;
    struct reference *reference = mem_alloc(sizeof *reference);
    struct book *book = book_new();
    const struct position *fast[KEYS], *slow[KEYS];
    chance_seed(&chance, 21);
    for (int round = 0; round < 20000; round++) {
        struct position row;
        random_position(&chance, &row);
        if (chance_hits(&chance, 700)) {
            book_put(book, TABLE_POSITION, &row);
            reference_put(reference, &row);
        } else {
            book_remove(book, TABLE_POSITION, row.id);
            reference_remove(reference, row.id);
        }
        const void *got = book_get(book, TABLE_POSITION, row.id);
        const struct position *due = reference_find(reference, row.id);
        assert_true((got == NULL) == (due == NULL));
        if (due)
            assert_true(row_equal(&tables[TABLE_POSITION], got, due, NULL));
        assert_int_equal(book_count(book, TABLE_POSITION), reference->count);
        if (round % 10)
            continue;
        struct walk walk = {reference, 0};
        book_each(book, TABLE_POSITION, in_order, &walk);
        assert_int_equal(walk.at, reference->count);
        same_set(fast, book_open_positions(book, row.strategy, row.instrument, fast, KEYS), slow,
                 reference_open(reference, row.strategy, row.instrument, slow));
        same_set(fast, book_all_open_positions(book, fast, KEYS), slow,
                 reference_open(reference, NULL, NULL, slow));
    }
    book_free(book);
    mem_free(reference);
}

static void live_orders_are_reached_by_any_pair(void **state)
{
    (void)state;
    struct book *book = book_new();
    const struct order *found[16];
    struct order order;
    row_init(&tables[TABLE_ORDER], &order);
    for (int i = 0; i < 8; i++) {
        snprintf(order.id, sizeof order.id, "o%d", i);
        snprintf(order.strategy, sizeof order.strategy, "s%d", i & 1);
        snprintf(order.instrument, sizeof order.instrument, "i%d", i >> 1 & 1);
        order.state = i < 4 ? ORDER_SENT : ORDER_UNKNOWN;
        order.created_us = 100 - i;
        book_put(book, TABLE_ORDER, &order);
    }
    assert_int_equal(book_live_orders(book, NULL, NULL, found, 16), 8);
    assert_string_equal(found[0]->id, "o7"); /* oldest first */
    assert_int_equal(book_live_orders(book, "s1", NULL, found, 16), 4);
    assert_int_equal(book_live_orders(book, NULL, "i1", found, 16), 4);
    assert_int_equal(book_live_orders(book, "s1", "i1", found, 16), 2);
    assert_int_equal(book_live_orders(book, "s1", "i1", found, 1), 1);
    assert_int_equal(book_live_orders(book, "s1", "i9", found, 16), 0);
    order.state = ORDER_FILLED; /* o7 */
    book_put(book, TABLE_ORDER, &order);
    assert_int_equal(book_live_orders(book, "s1", "i1", found, 16), 1);
    assert_string_equal(found[0]->id, "o3");
    book_free(book);
}

static void names_that_run_together_stay_apart(void **state)
{
    (void)state;
    struct book *book = book_new();
    const struct position *found[4];
    struct position row;
    row_init(&tables[TABLE_POSITION], &row);
    text_copy(row.id, sizeof row.id, "1");
    text_copy(row.strategy, sizeof row.strategy, "a|b");
    text_copy(row.instrument, sizeof row.instrument, "c");
    book_put(book, TABLE_POSITION, &row);
    assert_int_equal(book_open_positions(book, "a", "b|c", found, 4), 0);
    assert_int_equal(book_open_positions(book, "ab", "c", found, 4), 0);
    assert_int_equal(book_open_positions(book, "a|b", "c", found, 4), 1);
    book_free(book);
}

static void a_row_stays_where_it_is_and_keeps_its_texts(void **state)
{
    (void)state;
    struct book *book = book_new();
    struct signal signal;
    char extra[] = "{\"er\":1}";
    row_init(&tables[TABLE_SIGNAL], &signal);
    text_copy(signal.id, sizeof signal.id, "s");
    signal.extra = extra;
    book_put(book, TABLE_SIGNAL, &signal);
    extra[2] = 'x'; /* the copy is deep */
    const struct signal *kept = book_get(book, TABLE_SIGNAL, "s");
    const char *text = kept->extra;
    assert_string_equal(text, "{\"er\":1}");
    signal.extra = "{\"er\":1}";
    signal.attempts = 3;
    book_put(book, TABLE_SIGNAL, &signal);
    assert_ptr_equal(book_get(book, TABLE_SIGNAL, "s"), kept); /* nothing was allocated anew */
    assert_ptr_equal(kept->extra, text);
    assert_int_equal(kept->attempts, 3);
    book_put(book, TABLE_SIGNAL, kept); /* a row put upon itself */
    assert_string_equal(kept->extra, "{\"er\":1}");
    signal.extra = NULL;
    book_put(book, TABLE_SIGNAL, &signal);
    assert_null(kept->extra);
    signal.extra = "{}";
    book_put(book, TABLE_SIGNAL, &signal);
    assert_string_equal(kept->extra, "{}");
    book_free(book);
}

static bool remove_odd(void *ctx, const void *row)
{
    const struct fill *fill = row;
    if (fill->at_us % 2)
        book_remove(ctx, TABLE_FILL, fill->id);
    return true;
}

static void the_visitor_may_remove_its_row(void **state)
{
    (void)state;
    struct book *book = book_new();
    struct fill fill;
    row_init(&tables[TABLE_FILL], &fill);
    for (int i = 0; i < 101; i++) {
        snprintf(fill.id, sizeof fill.id, "f%d", i);
        fill.at_us = i;
        book_put(book, TABLE_FILL, &fill);
    }
    book_each(book, TABLE_FILL, remove_odd, book);
    assert_int_equal(book_count(book, TABLE_FILL), 51);
    book_free(book);
}

static void live_books_forget_what_is_over(void **state)
{
    (void)state;
    struct book *book = book_new();
    struct order order, next;
    struct fill fill;
    row_init(&tables[TABLE_ORDER], &order);
    row_init(&tables[TABLE_FILL], &fill);
    text_copy(order.id, sizeof order.id, "o");
    text_copy(fill.id, sizeof fill.id, "f");
    book_forget_final(book, true);
    struct change change = {&tables[TABLE_ORDER], NULL, &order};
    book_apply_change(book, &change);
    assert_int_equal(book_count(book, TABLE_ORDER), 1);
    next = order;
    next.state = ORDER_FILLED;
    change = (struct change){&tables[TABLE_ORDER], &order, &next};
    book_apply_change(book, &change);
    assert_int_equal(book_count(book, TABLE_ORDER), 0);
    change = (struct change){&tables[TABLE_FILL], NULL, &fill};
    book_apply_change(book, &change);
    assert_int_equal(book_count(book, TABLE_FILL), 0);
    book_forget_final(book, false);
    book_apply_change(book, &change);
    assert_int_equal(book_count(book, TABLE_FILL), 1);
    book_free(book);
}

static void differences_are_sentences(void **state)
{
    (void)state;
    struct book *a = book_new(), *b = book_new();
    struct str report = STR_EMPTY;
    struct position row;
    row_init(&tables[TABLE_POSITION], &row);
    text_copy(row.id, sizeof row.id, "X");
    row.quantity = decimal_int(3);
    book_put(a, TABLE_POSITION, &row);
    row.quantity = decimal_int(2);
    row.stop = decimal_int(9);
    book_put(b, TABLE_POSITION, &row);
    text_copy(row.id, sizeof row.id, "Y");
    book_put(a, TABLE_POSITION, &row);
    text_copy(row.id, sizeof row.id, "Z");
    book_put(b, TABLE_POSITION, &row);
    assert_int_equal(book_compare(a, b, &report, 100), 4);
    assert_non_null(
        strstr(str_text(&report), "positions X: quantity 3 in the table, 2 in the log\n"));
    assert_non_null(
        strstr(str_text(&report), "positions X: stop absent in the table, 9 in the log\n"));
    assert_non_null(strstr(str_text(&report), "positions Y: in the table, not in the log\n"));
    assert_non_null(strstr(str_text(&report), "positions Z: in the log, not in the table\n"));
    str_clear(&report);
    assert_int_equal(book_compare(a, b, &report, 1), 4);
    assert_null(strstr(str_text(&report), "Y"));
    assert_int_equal(book_compare(a, a, NULL, 0), 0);
    str_free(&report);
    book_free(a);
    book_free(b);
    book_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_a_slow_reference),
        cmocka_unit_test(live_orders_are_reached_by_any_pair),
        cmocka_unit_test(names_that_run_together_stay_apart),
        cmocka_unit_test(a_row_stays_where_it_is_and_keeps_its_texts),
        cmocka_unit_test(the_visitor_may_remove_its_row),
        cmocka_unit_test(live_books_forget_what_is_over),
        cmocka_unit_test(differences_are_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
