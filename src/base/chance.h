/* Chance as a parameter: a seeded generator for jitter, simulation and tests; the system's for
 * tokens. */
#ifndef TIDELOCK_BASE_CHANCE_H
#define TIDELOCK_BASE_CHANCE_H
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t s[4];
};
void chance_seed(struct chance *chance,
                 uint64_t seed); /* equal seeds, equal sequences, on every machine */
void chance_seed_system(struct chance *chance);
uint64_t chance_next(struct chance *chance);
uint64_t chance_below(struct chance *chance,
                      uint64_t bound); /* 0 ≤ x < bound, unbiased; bound > 0 */
int chance_hits(struct chance *chance, uint32_t permille);
void chance_system_bytes(void *out, size_t length); /* getrandom */
/* Full-jitter exponential backoff: uniform in [0, min(cap, base * 2^attempt)]. */
int64_t chance_backoff_us(struct chance *chance, int64_t base_us, int64_t cap_us, unsigned attempt);
#endif
