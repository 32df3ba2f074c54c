/* Values between the host and a worker, and the tables among them as one flat list, which the host
 * reads without asking again. */
#include "script/remote.h"

#include <math.h>

void wire_put_value(struct str *out, const struct sandbox_value *value, const char *text) {
    wire_put_u8(out, (uint8_t)value->type);
    switch (value->type) {
    case SANDBOX_BOOLEAN: wire_put_u8(out, value->boolean); break;
    case SANDBOX_INTEGER: wire_put_u64(out, (uint64_t)value->integer); break;
    case SANDBOX_NUMBER: wire_put(out, &value->number, sizeof value->number); break;
    case SANDBOX_DECIMAL: wire_put(out, &value->units, sizeof value->units); break;
    case SANDBOX_TEXT: wire_put_text(out, text, value->length); break;
    default: break;
    }
}

void wire_take_value(struct wire *wire, struct sandbox_value *out) {
    uint8_t type = wire_take_u8(wire);
    *out = (struct sandbox_value){.type = type <= SANDBOX_OTHER ? type : SANDBOX_OTHER};
    switch (out->type) {
    case SANDBOX_BOOLEAN: out->boolean = wire_take_u8(wire) != 0; break;
    case SANDBOX_INTEGER:
        out->integer = (int64_t)wire_take_u64(wire);
        out->number = (double)out->integer;
        break;
    case SANDBOX_NUMBER:
        wire_take(wire, &out->number, sizeof out->number);
        if (!isfinite(out->number)) out->type = SANDBOX_OTHER;
        break;
    case SANDBOX_DECIMAL:
        wire_take(wire, &out->units, sizeof out->units);
        if (!decimal_ok((struct decimal){out->units})) out->type = SANDBOX_OTHER;
        break;
    case SANDBOX_TEXT: out->text = wire_take_text(wire, &out->length); break;
    default: break;
    }
    if (wire->bad) *out = (struct sandbox_value){.type = SANDBOX_NIL};
}

/* ---- reading --------------------------------------------------------------------------------- */

static const struct node *node_of(const struct sandbox *box, const struct sandbox_value *table) {
    const struct remote *remote = box->remote;
    if (table->type != SANDBOX_TABLE || table->slot <= 0 ||
        (uint32_t)table->slot >= remote->node_count)
        return NULL;
    return &remote->nodes[table->slot];
}

void remote_result(const struct sandbox *box, unsigned index, struct sandbox_value *out) {
    const struct remote *remote = box->remote;
    *out = (struct sandbox_value){.type = SANDBOX_NIL};
    if (index >= remote->results) return;
    uint32_t at = 1; /* results are linked as keys are */
    while (index-- > 0 && at) at = remote->nodes[at].next;
    if (at) *out = remote->nodes[at].value;
}

static bool is_key(const struct sandbox_value *key, const char *name, size_t index) {
    if (!name) return key->type == SANDBOX_INTEGER && key->integer == (int64_t)index;
    return key->type == SANDBOX_TEXT && key->length == strlen(name) &&
           memcmp(key->text, name, key->length) == 0;
}

void remote_read(const struct sandbox *box, const struct sandbox_value *table, const char *name,
                 size_t index, struct sandbox_value *out) {
    struct remote *remote = box->remote;
    const struct node *open = node_of(box, table), *nodes = remote->nodes;
    int slot = table->slot;
    *out = (struct sandbox_value){.type = SANDBOX_NIL};
    if (!open) return;
    uint32_t at = remote->hint_slot == slot ? nodes[remote->hint_at].next : 0;
    if (!at || !is_key(&nodes[at].value, name, index))
        for (at = open->first; at && !is_key(&nodes[at].value, name, index);) at = nodes[at].next;
    if (!at) return;
    remote->hint_slot = slot;
    remote->hint_at = at;
    *out = nodes[at + 1].value;
}

size_t remote_length(const struct sandbox *box, const struct sandbox_value *table) {
    const struct node *open = node_of(box, table);
    return open ? open->length : 0;
}

bool remote_next(const struct sandbox *box, const struct sandbox_value *table, int *walk,
                 struct sandbox_value *key, struct sandbox_value *value) {
    const struct node *nodes = box->remote->nodes, *open = node_of(box, table);
    uint32_t at = 0;
    if (*walk > 0 && (uint32_t)*walk < box->remote->node_count)
        at = nodes[*walk].next;
    else if (open)
        at = open->first;
    *walk = (int)at;
    if (!at) return false;
    *key = nodes[at].value;
    *value = nodes[at + 1].value;
    return true;
}
