/* Identities: derived from what they name, so that a retry, a replay and a second instance arrive
 * at the same one. */
#ifndef TIDELOCK_BASE_ID_H
#define TIDELOCK_BASE_ID_H
#include <stdint.h>
#define ID_SIZE 24 /* 20 characters of base32 and room */
/* First 100 bits of SHA-256 over the length-prefixed fields, as 20 characters of base32 (RFC 4648,
 * lower case). NULL-terminated list. */
void id_derive(char out[ID_SIZE], const char *first, ...) __attribute__((sentinel));
/* Puts a derived id where its time belongs: characters that sort as the second does take the place
 * of the first six; 70 bits of the hash stay. Keys of rows made one after another are then
 * neighbours, and an index of them is written at its end instead of on any of its pages. */
void id_put_time(char id[ID_SIZE], int64_t at_us);
void id_random(char out[ID_SIZE]); /* instance ids, tokens: from the system */
#endif
