/* Rolling positions into the next contract. */
#ifndef TIDELOCK_FLOW_ROLL_H
#define TIDELOCK_FLOW_ROLL_H
#include "flow/core.h"
#include "trade/rollover.h"

enum { ROLLING_MAX = 64 };
struct roll {
    struct {
        char strategy[NAME_SIZE], instrument[NAME_SIZE];
        bool interrupted; /* it goes on when its row was read again; signals wait all the same */
    } list[ROLLING_MAX];
    size_t count;
    int64_t next_us;
    bool resume; /* some were interrupted, and are to be found */
    struct asker *askers, *asked; /* for those that are being rolled */
    bool asking;
};

struct roll *roll_new(struct core *core);
void roll_free(struct roll *roll);
/* Asks the strategies whether a position with an expiry rolls now; the next time it wants to. */
int64_t roll_turn(struct core *core);
/* After a takeover: goes on with what was under way. Answered when every such story has begun. */
void roll_resume(struct core *core, struct waiter to);
/* The positions that are being rolled; value: const struct store_rows *. */
void roll_find_interrupted(struct core *core, struct waiter to);
/* Somebody has ended, who may have left one half done that nobody else would miss. */
void roll_look_again(struct core *core);
/* A layer of this strategy is between two contracts: signals about it wait for a moment. */
bool roll_holds(const struct core *core, const char *strategy, const char *instrument);

/* Between the files of the story. */
size_t roll_find(const struct roll *roll, const char *strategy, const char *instrument);
bool roll_look(struct core *core, const struct position *position, struct due *due);
void roll_ask(struct core *core, const struct position *position, const struct due *due,
              struct roll_decision *out);
/* Begins, or goes on with, the story of one position, unless its pair is being rolled already. */
void roll_begin(struct core *core, const struct position *position, const char *reason);
#endif
