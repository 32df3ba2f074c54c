/* Deliberate mistakes, for the simulator to catch: they exist only where it compiles this room
 * itself. A test of the tests: a simulator that does not notice these would not notice real ones.
 */
#ifndef TIDELOCK_FLOW_MUTANT_H
#define TIDELOCK_FLOW_MUTANT_H

enum mutant {
    MUTANT_NONE,
    MUTANT_ACK_BEFORE_COMMIT,
    MUTANT_RESEND_ON_TIMEOUT,
    MUTANT_SKIP_CLAIM,
    MUTANT_FORGET_TERM,
    MUTANT_APPLY_FILL_TWICE,
    MUTANT_CONCLUDE_FROM_ABSENCE,
    MUTANT_ROLL_TWICE,
    MUTANT_SKIP_FENCE,    /* writes do not say whose lease they need, nor under which term */
    MUTANT_TWO_LEADERS,   /* a key that is another's is taken for ours */
    MUTANT_ADOPT_BLINDLY, /* orders of a dead instance are not looked up first */
    MUTANT_FOLLOW_TWICE,  /* what others wrote is applied twice */
    MUTANT_NO_REBASE,     /* the account's changes are not moved onto another's */
    MUTANT_DOUBT_FAILS,   /* the simulator's: what is in doubt is answered as not done */
    MUTANT_TRUST_CLAIM,   /* a signal that is claimed elsewhere is taken for one that stands */
    MUTANT_COUNT
};
#ifdef TIDELOCK_MUTANTS
extern enum mutant mutant_live;
#define MUTANT(which) (mutant_live == (which))
#else
#define MUTANT(which) false
#endif
#endif
