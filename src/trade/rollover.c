/* Which contract is due, and the order of the legs. */
#include "trade/rollover.h"
#include "trade/order.h"
#include <stdio.h>
#include <string.h>

enum { SESSIONS_MAX = 400 };

bool rollover_has_contracts(const struct instrument *instrument)
{
    return *instrument->series || (instrument->expiries && *instrument->expiries);
}

void rollover_contract(const struct instrument *instrument, const struct closed_days *more,
                       int64_t now_us, char out[EXPIRY_SIZE])
{
    int64_t day;
    *out = '\0';
    if (rollover_has_contracts(instrument) &&
        expiry_next(instrument->series, instrument->expiries, more,
                    exchange_day(instrument->exchange, now_us) + instrument->roll_days, &day))
        date_print(day, out);
}

static void look_at_session(const struct instrument *instrument, const struct closed_days *more,
                            int64_t today, int64_t expiry, int64_t now_us, struct due *out)
{
    struct session session = exchange_session(instrument->exchange, today, more);
    out->is_open = session.is_open && now_us >= session.opens_us && now_us < session.closes_us;
    out->closes_in_s = out->is_open ? (session.closes_us - now_us) / 1000000 : 0;
    for (int64_t day = today; day <= expiry && day < today + SESSIONS_MAX; day++) {
        session = exchange_session(instrument->exchange, day, more);
        out->sessions_left += session.is_open && session.closes_us > now_us;
    }
}

bool rollover_look(const struct instrument *instrument, const struct closed_days *more,
                   const struct position *position, int64_t now_us, struct due *out)
{
    int64_t expiry, next, today = exchange_day(instrument->exchange, now_us);
    memset(out, 0, sizeof *out);
    if (!rollover_has_contracts(instrument) || !date_read(position->expiry, &expiry) ||
        !expiry_next(instrument->series, instrument->expiries, more, expiry + 1, &next))
        return false;
    text_copy(out->label, sizeof out->label, position->label);
    text_copy(out->expiry, sizeof out->expiry, position->expiry);
    date_print(next, out->next_expiry);
    out->side = position->side;
    out->is_base = position->is_base_position;
    out->quantity = position->quantity;
    out->entry_price = position->entry_price;
    out->stop = position->stop;
    out->status = position->rollover;
    out->days_left = expiry - today;
    look_at_session(instrument, more, today, expiry, now_us, out);
    return true;
}

void rollover_try_id(char out[ID_SIZE], const struct position *position, enum roll_leg leg,
                     unsigned tries)
{
    static const char *const names[] = {"close", "open", "back"};
    char name[16] = "";
    snprintf(name, sizeof name, tries ? "%s %u" : "%s", names[leg], tries);
    id_derive(out, "rollover", position->id, position->expiry, name, NULL);
    id_put_time(out, position->opened_us);
}

void rollover_order_id(char out[ID_SIZE], const struct position *position, enum roll_leg leg)
{
    rollover_try_id(out, position, leg, 0);
}

static struct decimal filled_of(const struct order *order)
{
    return order && decimal_ok(order->filled) ? order->filled : decimal_int(0);
}

enum roll_next rollover_next(const struct position *position, const struct order *const *legs,
                             bool put_back, struct decimal *quantity)
{
    const struct order *close = legs[ROLL_LEG_CLOSE], *open = legs[ROLL_LEG_OPEN];
    const struct order *back = legs[ROLL_LEG_BACK];
    *quantity = position->quantity;
    if (!close)
        return ROLL_CLOSE;
    if (!order_is_final(close->state))
        return ROLL_WAIT;
    *quantity = filled_of(close);
    if (decimal_is_zero(*quantity))
        return ROLL_FAILED; /* nothing happened: the near leg is what it was */
    if (!open)
        return ROLL_OPEN;
    if (!order_is_final(open->state))
        return ROLL_WAIT;
    *quantity = decimal_sub(filled_of(close), filled_of(open));
    if (decimal_sign(*quantity) <= 0)
        return ROLL_ROLLED;
    if (!back)
        return put_back ? ROLL_PUT_BACK : ROLL_FAILED;
    return order_is_final(back->state) ? ROLL_FAILED : ROLL_WAIT;
}

struct decimal rollover_stop(struct decimal stop, struct decimal near_price,
                             struct decimal far_price)
{
    if (!decimal_ok(stop) || !decimal_ok(near_price) || !decimal_ok(far_price))
        return stop;
    struct decimal moved = decimal_add(stop, decimal_sub(far_price, near_price));
    return decimal_ok(moved) && decimal_sign(moved) > 0 ? moved : stop;
}
