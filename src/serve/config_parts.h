/* The parts of the configuration that repeat; private to config*.c. */
#ifndef TIDELOCK_SERVE_CONFIG_PARTS_H
#define TIDELOCK_SERVE_CONFIG_PARTS_H
#include "serve/settings.h"
void config_read_lists(struct settings_reader *r, const struct json *root, struct config *c);
void config_lists_help(struct str *out);
void config_print_lists(const struct config *c, struct str *out);
/* config_broker.c: the section `broker`. Checked once the instruments are known. */
void config_read_broker(struct settings_reader *r, const struct json *root, struct config *c);
void config_check_broker(struct settings_reader *r, struct config *c);
void config_free_broker(struct config *c); /* wipes its secrets */
void config_broker_help(struct str *out);
void config_print_broker(const struct config *c, struct str *out);
#endif
