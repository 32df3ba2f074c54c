/* The configuration reader: whatever the text, it ends with a configuration or with sentences. */
#include "serve/config.h"
#include <assert.h>
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config config;
    struct config_faults faults;
    struct str text = STR_EMPTY;
    str_put(&text, (const char *)bytes, size);
    bool ok = config_read_text("fuzz.lua", str_text(&text), text.length, &config, &faults);
    assert(ok == (faults.count == 0));
    assert(ok || faults.text.length > 0);
    if (ok) {
        struct str shown = STR_EMPTY;
        config_print(&config, &shown);
        assert(shown.length > 2);
        str_free(&shown);
    }
    str_free(&faults.text);
    str_free(&text);
    config_free(&config);
    return 0;
}
