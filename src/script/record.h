/* What a record is made of: shared by record.c, record_read.c and record_build.c. */
#ifndef TIDELOCK_SCRIPT_RECORD_H
#define TIDELOCK_SCRIPT_RECORD_H
#include "script/remote.h"
#include <assert.h>

struct slot {
    enum sandbox_kind kind;
    bool present;
    bool shadowed;  /* a Lua value of it stands in the shadow */
    bool noted;     /* that value is out of date */
    uint8_t remade;   /* times since a script asked for it */
    int patience;     /* it is remade 2^this times before it is dropped */
    uint32_t dropped; /* before which call it was */
    union {
        decimal_units units;
        int64_t integer;
        double number;
        bool boolean;
        struct {
            char *bytes;
            size_t length, room;
        } text;
        struct sandbox_record *child;
    };
};

struct key {
    const char *name; /* the interned text's own address */
    uint32_t place;
};

struct layout { /* of a record; shared by the elements of a list */
    const char *name;
    bool lenient;
    uint32_t mask;
    struct key *keys;   /* hashed, at most half full */
    const char **names; /* by place */
    int *name_refs;
};

struct sandbox_record {
    struct sandbox_record *next;
    struct sandbox *box;
    const struct layout *layout; /* NULL: a list */
    const char *name;
    struct slot *slots;
    uint32_t count, most; /* record: equal */
    uint32_t number;
    int ref, shadow_ref;
};

struct handle { /* what the userdata holds */
    const struct tag *tag;
    struct sandbox_record *record;
};

static inline struct sandbox_record *record_of(lua_State *L, int index) {
    return ((struct handle *)lua_touserdata(L, index))->record;
}

static inline uint32_t layout_hash(const char *name) {
    uintptr_t bits = (uintptr_t)name;
    return (uint32_t)(bits >> 4 ^ bits >> 12);
}

/* Where the field of that interned name stands; NULL: there is none. */
static inline const struct key *layout_key(const struct layout *layout, const char *name) {
    for (uint32_t at = layout_hash(name);; at++) {
        const struct key *key = &layout->keys[at & layout->mask];
        if (key->name == name) return key;
        if (!key->name) return NULL;
    }
}

/* record.c: the slot's value in its shadow is out of date. */
void record_put_down(struct sandbox_record *record, uint32_t place);

static inline void record_note(struct sandbox_record *record, const struct slot *slot) {
    if ((slot->shadowed || record->box->remote) && !slot->noted)
        record_put_down(record, (uint32_t)(slot - record->slots));
}

static inline struct slot *record_slot(struct sandbox_record *record, uint32_t field,
                                       enum sandbox_kind kind) {
    assert(!record->box->running && field < record->most);
    struct slot *slot = &record->slots[field];
    assert(slot->kind == kind && "the field is of another kind");
    (void)kind;
    return slot;
}

/* The setters that facts are poured with. */
static inline void record_set_decimal(struct sandbox_record *record, uint32_t field,
                                      sandbox_units units) {
    struct slot *slot = record_slot(record, field, SANDBOX_KIND_DECIMAL);
    if (slot->present && slot->units == units) return;
    slot->present = true;
    slot->units = units;
    record_note(record, slot);
}

static inline void record_set_integer(struct sandbox_record *record, uint32_t field,
                                      int64_t integer) {
    struct slot *slot = record_slot(record, field, SANDBOX_KIND_INTEGER);
    if (slot->present && slot->integer == integer) return;
    slot->present = true;
    slot->integer = integer;
    record_note(record, slot);
}

/* record_read.c: pushes the metatable of a record's userdata, and makes its shadow. */
void record_push_meta(lua_State *L, struct sandbox_record *record);
#endif
