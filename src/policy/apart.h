/* Strategies that run in a worker process: the host's half (apart.c), the worker's half
 * (apart_worker.c), and what goes between.
 *
 * What crosses is what a policy is asked and what it answers, not what the sandbox does: facts and
 * intents are plain structs, and the C functions that scripts call (indicators, the sizing
 * arithmetic) run beside them in the worker. So a decision is one round trip. The worker is the
 * same program and does what a strategy in this process does, with policies of its own; the host
 * keeps counts, the error window and roll-back, and believes nothing that is out of range. */
#ifndef TIDELOCK_POLICY_APART_H
#define TIDELOCK_POLICY_APART_H
#include "policy/inner.h"
#include "script/jail.h"
#include "script/wire.h"

enum apart_op { APART_BUILD, APART_DECIDE, APART_BAR, APART_FILL, APART_MATCH, APART_ROLL };

struct apart {
    struct policies *home;
    struct jail jail;
    struct str build; /* the frame that makes the version, kept to make it again */
    struct str out, in;
    char *params; /* JSON for descriptions */
    struct sandbox_usage usage;
    struct sandbox_failure failure; /* the last one it told */
    uint64_t deaths;
};

/* The version, loaded and checked in a worker; NULL when there was any fault. */
struct version *apart_build(struct policies *policies, const struct version_ask *ask,
                            const struct policy_version *row, struct faults *faults);
void apart_free(struct apart *apart);
/* Fills the intent; an entry whose worker is gone has FAILED, an exit goes through whole. */
void apart_decide(struct policy *policy, const struct facts *facts, struct intent *out,
                  struct str *trace);
bool apart_feed(struct version *version, const struct facts *facts, const struct bar *bar,
                struct bar_signals *out, struct err *err);
void apart_fill(struct policy *policy, const struct facts *facts, const struct fill *fill);
void apart_match(struct policy *policy, const struct facts *facts,
                 const struct difference *difference, struct match_decision *out);
void apart_roll(struct policy *policy, const struct facts *facts, const struct due *due,
                struct roll_decision *out);
/* A live version whose worker is gone gets a new one at once, so that the next question need not
 * wait; the host is told, so that it warms it up. Does nothing for any other version. */
void apart_replace(struct policy *policy, struct version *version, const char *why);
/* What it remembers of bars is out of date: the next question finds a new worker. */
void apart_forget(struct version *version);

/* Facts as bytes, and back into an arena. */
void apart_put_facts(struct str *out, const struct facts *facts);
bool apart_take_facts(struct wire *wire, struct arena *arena, struct facts *out);
/* What every answer ends with: usage, counts of the gates. */
void apart_put_state(struct str *out, const struct version *version);
/* The worker's main function. */
void apart_main(void);
#endif
