/* A small seeded generator (xoshiro256** filled by splitmix64), equal on every machine, and the
 * system's own. */
#include "base/chance.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

__extension__ typedef unsigned __int128 wide;

static uint64_t spread(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

void chance_seed(struct chance *chance, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        chance->s[i] = spread(&seed);
}

void chance_seed_system(struct chance *chance)
{
    uint64_t seed;
    chance_system_bytes(&seed, sizeof seed);
    chance_seed(chance, seed);
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t chance_next(struct chance *chance)
{
    uint64_t *s = chance->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t moved = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= moved;
    s[3] = rotate(s[3], 45);
    return result;
}

/* The high half of a product is even over the bound once the few low halves that would favour some
 * values are drawn again. */
uint64_t chance_below(struct chance *chance, uint64_t bound)
{
    assert(bound > 0);
    uint64_t unfair = (0 - bound) % bound;
    for (;;) {
        wide product = (wide)chance_next(chance) * bound;
        if ((uint64_t)product >= unfair)
            return (uint64_t)(product >> 64);
    }
}

int chance_hits(struct chance *chance, uint32_t permille)
{
    return chance_below(chance, 1000) < permille;
}

void chance_system_bytes(void *out, size_t length)
{
    char *at = out;
    while (length > 0) {
        ssize_t got = getrandom(at, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            /* Tokens from a guessable source would be worse than no process. */
            fputs("tidelock: the system gives no random bytes\n", stderr);
            abort();
        }
        at += got;
        length -= (size_t)got;
    }
}

int64_t chance_backoff_us(struct chance *chance, int64_t base_us, int64_t cap_us, unsigned attempt)
{
    assert(base_us >= 0 && cap_us >= 0);
    int64_t most = base_us < cap_us ? base_us : cap_us;
    for (; attempt > 0 && most < cap_us && most > 0; attempt--)
        most = most > cap_us / 2 ? cap_us : most * 2;
    return (int64_t)chance_below(chance, (uint64_t)most + 1);
}
