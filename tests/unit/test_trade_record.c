/* Rows survive every way they are written down: JSON whole, JSON of changes, and text column by
 * column. */
#include "trade/record.h"
#include "trade_random.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define ROW_MAX 2048

static void tables_describe_their_rows(void **state)
{
    (void)state;
    for (int i = 0; i < TABLE_COUNT; i++) {
        const struct table *table = &tables[i];
        assert_int_equal(table->id, i);
        assert_true(table->row_size <= ROW_MAX);
        assert_ptr_equal(table_find(table->name), table);
        assert_int_equal(table->columns[0].type, COLUMN_TEXT);
        size_t end = 0;
        for (size_t c = 0; c < table->column_count; c++) {
            const struct column *column = &table->columns[c];
            size_t at = 99;
            assert_true(column->offset >= end); /* in the order of the struct, none over another */
            end = column->offset + column->size;
            assert_ptr_equal(column_find(table, column->name, &at), column);
            assert_int_equal(at, c);
            assert_int_equal(strlen(column->quoted), column->quoted_length);
            assert_true((column->type == COLUMN_ENUM) == (column->names != NULL));
            assert_true((column->type == COLUMN_LONG) == (column == table->long_column));
        }
        assert_true(end <= table->row_size);
        if (table->version_column >= 0)
            assert_int_equal(table->columns[table->version_column].type, COLUMN_INT);
    }
    assert_null(table_find("nothing"));
    assert_null(column_find(&tables[0], "nothing", NULL));
}

static void keys_hold_the_longest_names(void **state)
{
    (void)state;
    assert_true(KEY_SIZE > (NAME_SIZE - 1) * 2 + (LABEL_SIZE - 1) + 20 + 3);
    assert_true(KEY_SIZE > NAME_SIZE - 1 + 1 + FINGERPRINT_SIZE - 1);
}

static void read_back(const struct table *table, void *row, const char *text, struct arena *arena)
{
    struct err err;
    struct json *json = json_parse(arena, text, strlen(text), NULL, &err);
    if (!json)
        fail_msg("%s: %s in %s", table->name, err.text, text);
    if (!row_from_json(table, row, json, arena, &err))
        fail_msg("%s in %s", err.text, text);
}

static void rows_round_trip_through_json(void **state)
{
    (void)state;
    struct chance chance;
    struct arena arena;
    struct str text = STR_EMPTY;
    _Alignas(16) char before[ROW_MAX], after[ROW_MAX], read[ROW_MAX];
    chance_seed(&chance, 11);
    arena_init(&arena, 65536);
    for (int round = 0; round < 3000; round++) {
        const struct table *table = &tables[chance_below(&chance, TABLE_COUNT)];
        size_t difference;
        random_row(&chance, table, before, "key", 7, &arena);
        random_row(&chance, table, after, "key", 8, &arena);

        str_clear(&text);
        row_json_changes(table, NULL, after, &text);
        row_init(table, read);
        read_back(table, read, str_text(&text), &arena);
        if (!row_equal(table, read, after, &difference))
            fail_msg("%s.%s from %s", table->name, table->columns[difference].name,
                     str_text(&text));

        str_clear(&text);
        row_json_changes(table, before, after, &text);
        row_copy(table, read, before, &arena);
        read_back(table, read, str_text(&text), &arena);
        assert_true(row_equal(table, read, after, NULL));

        str_clear(&text);
        row_json(table, after, &text);
        row_copy(table, read, before, &arena);
        read_back(table, read, str_text(&text), &arena);
        assert_true(row_equal(table, read, after, NULL));

        str_clear(&text);
        row_json_changes(table, after, after, &text);
        assert_string_equal(str_text(&text), "{}");
        arena_reset(&arena);
    }
    str_free(&text);
    arena_free(&arena);
}

static void columns_round_trip_through_text(void **state)
{
    (void)state;
    struct chance chance;
    struct arena arena;
    struct str text = STR_EMPTY;
    struct err err;
    _Alignas(16) char row[ROW_MAX], read[ROW_MAX];
    chance_seed(&chance, 12);
    arena_init(&arena, 65536);
    for (int round = 0; round < 1000; round++) {
        const struct table *table = &tables[chance_below(&chance, TABLE_COUNT)];
        random_row(&chance, table, row, "key", 3, &arena);
        row_init(table, read);
        for (size_t i = 0; i < table->column_count; i++) {
            const struct column *column = &table->columns[i];
            str_clear(&text);
            column_print(column, row, &text);
            const bool absent = text.length == 0 && column->type != COLUMN_LONG;
            if (column->type == COLUMN_LONG) {
                const char *value;
                memcpy(&value, row + column->offset, sizeof value);
                assert_true(column_parse(column, read, value, &arena, &err));
            } else {
                assert_true(
                    column_parse(column, read, absent ? NULL : str_text(&text), &arena, &err));
            }
        }
        assert_true(row_equal(table, row, read, NULL));
        arena_reset(&arena);
    }
    str_free(&text);
    arena_free(&arena);
}

static void copies_own_their_texts(void **state)
{
    (void)state;
    struct arena arena;
    struct signal signal, copy;
    char extra[] = "{\"er\":1}";
    arena_init(&arena, 1024);
    row_init(&tables[TABLE_SIGNAL], &signal);
    signal.extra = extra;
    row_copy(&tables[TABLE_SIGNAL], &copy, &signal, &arena);
    extra[2] = 'x';
    assert_string_equal(copy.extra, "{\"er\":1}");
    arena_free(&arena);
}

static void refuse(const struct table *table, const char *json, const char *says)
{
    struct arena arena;
    struct err err;
    _Alignas(16) char row[ROW_MAX];
    arena_init(&arena, 4096);
    row_init(table, row);
    struct json *tree = json_parse(&arena, json, strlen(json), NULL, &err);
    assert_non_null(tree);
    assert_false(row_from_json(table, row, tree, &arena, &err));
    if (!strstr(err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
    arena_free(&arena);
}

static void what_is_no_row_is_refused(void **state)
{
    (void)state;
    const struct table *order = &tables[TABLE_ORDER];
    refuse(order, "[]", "object");
    refuse(order, "{\"nothing\":1}", "nothing");
    refuse(order, "{\"state\":\"gone\"}", "state");
    refuse(order, "{\"quantity\":\"NaN\"}", "quantity");
    refuse(order, "{\"quantity\":{}}", "quantity");
    refuse(order, "{\"version\":1.5}", "whole");
    refuse(order, "{\"version\":9223372036854775808}", "whole");
    refuse(order, "{\"reduces\":\"maybe\"}", "true or false");
    refuse(order, "{\"created_at\":\"2026-07-21T09:15:00\"}", "created_at");
    refuse(order, "{\"leg\":\"more than fifteen characters\"}", "15");
}

static void integers_keep_their_ends(void **state)
{
    (void)state;
    struct err err;
    struct ledger row;
    struct account account;
    (void)row;
    row_init(&tables[TABLE_ACCOUNT], &account);
    const struct column *entries = column_find(&tables[TABLE_ACCOUNT], "entries", NULL);
    assert_true(column_parse(entries, &account, "-9223372036854775808", NULL, &err));
    assert_true(account.entries == INT64_MIN);
    assert_true(column_parse(entries, &account, "9223372036854775807", NULL, &err));
    assert_true(account.entries == INT64_MAX);
    assert_false(column_parse(entries, &account, "", NULL, &err));
    assert_false(column_parse(entries, &account, "-", NULL, &err));
    assert_false(column_parse(entries, &account, "+1", NULL, &err));
    assert_false(column_parse(entries, &account, " 1", NULL, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_describe_their_rows),
        cmocka_unit_test(keys_hold_the_longest_names),
        cmocka_unit_test(rows_round_trip_through_json),
        cmocka_unit_test(columns_round_trip_through_text),
        cmocka_unit_test(copies_own_their_texts),
        cmocka_unit_test(what_is_no_row_is_refused),
        cmocka_unit_test(integers_keep_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
