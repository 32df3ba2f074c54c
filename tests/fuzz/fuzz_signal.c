/* Throws JSON at the signal reader, through plain and mapped sources, and checks what an accepted
 * signal promises: legal names and layers, figures that are figures, extras and row that read back,
 * the same identity when read again; and that a refused one says why in JSON. */
#include "trade/event.h"
#include "trade/signal.h"
#include "trade/signal_map.h"
#include <stdlib.h>
#include <string.h>

#define INSIST(claim)                                                                              \
    do {                                                                                           \
        if (!(claim))                                                                              \
            abort();                                                                               \
    } while (0)

static const struct signal_mapping mapping[] = {
    {"instrument", "{{a}}:{{b.c}}"}, {"type", "order.id"},    {"price", "fills[0].price"},
    {"timestamp", "meta.at"},        {"position", "=Long_1"},
};
static const struct signal_value values[] = {{"type", "buy", "BASE_ENTRY"},
                                             {"type", "sell", "EXIT"}};
static const char *const extra[] = {"price", "alert.id"};

static struct signal_source source_of(uint8_t choice)
{
    struct signal_source source = {.name = "fuzz", .secret_field = "auth.pass"};
    if (choice & 1)
        source.default_strategy = "trend";
    if (choice & 2) {
        source.mapping = mapping;
        source.mapping_count = sizeof mapping / sizeof mapping[0];
        source.values = values;
        source.value_count = sizeof values / sizeof values[0];
    }
    if (choice & 4) {
        source.fingerprint_extra = extra;
        source.fingerprint_extra_count = 2;
    }
    return source;
}

static void check_json(struct arena *arena, const char *text, size_t length)
{
    struct err err;
    INSIST(json_parse(arena, text, length, NULL, &err));
}

static void check_accepted(struct arena *arena, const struct signal *signal)
{
    struct str text = STR_EMPTY;
    struct signal read;
    struct err err;
    const int layer = signal_layer(signal->position);
    INSIST(strlen(signal->fingerprint) == 64 && strlen(signal->id) == 20);
    INSIST(*signal->strategy && *signal->instrument);
    INSIST(layer >= 0 && (layer > 0 || signal->type == SIGNAL_EXIT));
    INSIST(signal->type != SIGNAL_BASE_ENTRY || layer == 1);
    INSIST(signal->type != SIGNAL_PYRAMID || layer > 1);
    if (signal->type != SIGNAL_EXIT) {
        INSIST(decimal_sign(signal->price) > 0);
        if (decimal_ok(signal->stop))
            INSIST(decimal_sign(signal->stop) > 0 &&
                   decimal_lt(signal->stop, signal->price) == (signal->side == SIDE_LONG));
    }
    if (decimal_ok(signal->quantity))
        INSIST(decimal_sign(signal->quantity) > 0);
    if (signal->extra) {
        INSIST(!strstr(signal->extra, "{{"));
        check_json(arena, signal->extra, strlen(signal->extra));
    }
    row_json_changes(&tables[TABLE_SIGNAL], NULL, signal, &text);
    struct json *json = json_parse(arena, text.data, text.length, NULL, &err);
    INSIST(json);
    row_init(&tables[TABLE_SIGNAL], &read);
    INSIST(row_from_json(&tables[TABLE_SIGNAL], &read, json, arena, &err));
    INSIST(row_equal(&tables[TABLE_SIGNAL], &read, signal, NULL));
    str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct signal signal, again;
    struct signal_faults faults;
    struct str text = STR_EMPTY;
    struct err err;
    if (size == 0)
        return 0;
    arena_init(&arena, 4096);
    const struct signal_source source = source_of(data[0]);
    const char *body = (const char *)data + 1;
    const struct json *json = data[0] & 8 ? signal_line(&arena, body, size - 1)
                                          : json_parse(&arena, body, size - 1, NULL, &err);
    if (json && signal_read(json, &source, 1, &arena, &signal, &faults)) {
        check_accepted(&arena, &signal);
        INSIST(signal_read(json, &source, 2, &arena, &again, &faults));
        INSIST(strcmp(signal.fingerprint, again.fingerprint) == 0);
    } else if (json) {
        INSIST(faults.count > 0 && faults.count <= SIGNAL_FAULT_MAX);
        signal_faults_json(&faults, &text);
        check_json(&arena, text.data, text.length);
        str_free(&text);
    }
    arena_free(&arena);
    return 0;
}
