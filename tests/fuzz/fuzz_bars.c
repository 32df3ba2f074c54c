/* Throws bytes at the reader of bars and checks what each bar promises, that reading ends, and that
 * progress is never past the text. */
#include "trade/bar.h"
#include <stdlib.h>
#include <string.h>

#define INSIST(claim)                                                                              \
    do {                                                                                           \
        if (!(claim))                                                                              \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const zones[] = {NULL, "UTC", "Asia/Kolkata", "America/New_York"};
    struct bar bar;
    struct err err;
    enum bars_status status;
    int64_t last_us = INT64_MIN;
    size_t calls = 0;
    if (size == 0)
        return 0;
    size--;
    char *text =
        malloc(size ? size : 1); /* exactly as long as it is, so that a byte too far is seen */
    memcpy(text, data + 1, size);
    struct bars *bars = bars_open(text, size, zones[data[0] & 3], &err);
    if (!bars)
        INSIST(err.class == ERR_REFUSED && err.text[0]);
    while (bars && (status = bars_next(bars, &bar, &err)) != BARS_END) {
        INSIST(++calls <= size + 1);
        INSIST(bars_progress(bars) <= size);
        if (status == BARS_FAULT) {
            INSIST(err.class == ERR_REFUSED && strncmp(err.text, "line ", 5) == 0);
            continue;
        }
        INSIST(bar.at_us > last_us);
        last_us = bar.at_us;
        INSIST(decimal_sign(bar.low) > 0);
        INSIST(decimal_le(bar.low, bar.open) && decimal_le(bar.low, bar.close));
        INSIST(decimal_ge(bar.high, bar.open) && decimal_ge(bar.high, bar.close));
        if (decimal_ok(bar.volume))
            INSIST(decimal_sign(bar.volume) >= 0);
    }
    bars_close(bars);
    free(text);
    return 0;
}
