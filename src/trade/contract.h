/* What a broker calls an instrument's dated contracts: its symbol has the expiry's date in it, as
 * "BANKNIFTY{DD}{MMM}{YY}FUT" is BANKNIFTY30DEC25FUT. {YYYY} {YY} {MM} {MMM} {DD}. Pure. */
#ifndef TIDELOCK_TRADE_CONTRACT_H
#define TIDELOCK_TRADE_CONTRACT_H
#include "trade/exchange.h"
#include "trade/portfolio.h"

/* True: its symbol has a place for a date. */
bool contract_is_dated(const struct instrument *instrument);
/* True: a date can be told from what the symbol has places for. */
bool contract_is_whole(const struct instrument *instrument);
/* The symbol of the contract with that expiry; of an instrument without a date, its symbol or name
 * whatever the expiry is. "": the expiry is no date, or the symbol too long. */
void contract_symbol(const struct instrument *instrument, const char *expiry, char out[NAME_SIZE]);
/* Whether `symbol` is the instrument, or a contract of it; then `expiry` is its date, or "". */
bool contract_read(const struct instrument *instrument, const char *symbol,
                   char expiry[EXPIRY_SIZE]);
#endif
