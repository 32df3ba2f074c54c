/* The layers an exit closes: of one strategy on one instrument, oldest first.
 *
 * An order that reduces and names a position closes that layer. One that names none closes several
 * of one side: what it fills is spread over them, the oldest first. */
#ifndef TIDELOCK_TRADE_LAYERS_H
#define TIDELOCK_TRADE_LAYERS_H
#include "trade/book.h"

enum { LAYERS_MAX = 64 };
struct layer_lots {
    const struct position *layer;
    struct decimal lots;
};
/* Every open layer with the lots that no live order closes by the layer's name; with `spread_too`
 * those of live orders over several layers are taken off as well, so that what is left is being
 * closed by nobody. Lots may be zero, or below when more is on its way out than is open. */
size_t layers_free(const struct book *book, const char *strategy, const char *instrument,
                   bool spread_too, struct layer_lots list[LAYERS_MAX]);
/* Takes lots from the layers the order closes, which are those of its side and expiry, oldest
 * first; adds each layer's part to `taken` (may be NULL). Returns what could not be taken. */
struct decimal layers_take(struct layer_lots *list, size_t count, const struct order *order,
                           struct decimal lots, struct decimal *taken);
bool layer_is_closed_by(const struct position *layer, enum order_side side);
#endif
