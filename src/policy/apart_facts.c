/* Facts as bytes: rows are plain structs, so they go as they lie in memory, with the one text that
 * is not inside them behind. */
#include "policy/apart.h"

static void put_optional(struct str *out, const void *row, size_t size)
{
    wire_put_u8(out, row != NULL);
    if (row)
        wire_put(out, row, size);
}

static void *take_optional(struct wire *wire, struct arena *arena, size_t size)
{
    void *row;

    if (!wire_take_u8(wire))
        return NULL;
    row = arena_alloc(arena, size);
    wire_take(wire, row, size);
    return row;
}

void apart_put_facts(struct str *out, const struct facts *facts)
{
    struct facts plain = *facts;
    const char *extra = facts->signal ? facts->signal->extra : NULL;

    wire_put(out, &plain, sizeof plain);
    put_optional(out, facts->signal, sizeof *facts->signal);
    wire_put_u8(out, extra != NULL);
    if (extra)
        wire_put_text(out, extra, strlen(extra));
    put_optional(out, facts->instrument, sizeof *facts->instrument);
    for (size_t i = 0; i < facts->position_count; i++)
        wire_put(out, facts->positions[i], sizeof *facts->positions[i]);
    put_optional(out, facts->pyramid, sizeof *facts->pyramid);
    put_optional(out, facts->portfolio, sizeof *facts->portfolio);
    put_optional(out, facts->stat, sizeof *facts->stat);
}

bool apart_take_facts(struct wire *wire, struct arena *arena, struct facts *out)
{
    struct signal *signal;
    const struct position **positions;

    wire_take(wire, out, sizeof *out);
    out->signal = signal = take_optional(wire, arena, sizeof *signal);
    if (signal)
        signal->extra = NULL;
    if (wire_take_u8(wire) && signal)
        signal->extra = wire_take_text(wire, NULL);
    out->instrument = take_optional(wire, arena, sizeof *out->instrument);
    if (wire->bad || out->position_count > (size_t)(wire->end - wire->at))
        return false;
    positions = arena_alloc(arena, (out->position_count + 1) * sizeof *positions);
    for (size_t i = 0; i < out->position_count; i++) {
        struct position *position = arena_alloc(arena, sizeof *position);

        wire_take(wire, position, sizeof *position);
        positions[i] = position;
    }
    out->positions = positions;
    out->pyramid = take_optional(wire, arena, sizeof *out->pyramid);
    out->portfolio = take_optional(wire, arena, sizeof *out->portfolio);
    out->stat = take_optional(wire, arena, sizeof *out->stat);
    return !wire->bad;
}
