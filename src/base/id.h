/* Identities: derived from what they name, so that a retry, a replay and a second instance arrive
 * at the same one. */
#ifndef TIDELOCK_BASE_ID_H
#define TIDELOCK_BASE_ID_H
#include <stdint.h>
#define ID_SIZE 24 /* 20 characters of base32 and room */
/* First 100 bits of SHA-256 over the length-prefixed fields, as 20 characters of base32 (RFC 4648,
 * lower case). NULL-terminated list. */
void id_derive(char out[ID_SIZE], const char *first, ...) __attribute__((sentinel));
void id_random(char out[ID_SIZE]); /* instance ids, tokens: from the system */
#endif
