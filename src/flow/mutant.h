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
    MUTANT_COUNT
};
#ifdef TIDELOCK_MUTANTS
extern enum mutant mutant_live;
#define MUTANT(which) (mutant_live == (which))
#else
#define MUTANT(which) false
#endif
#endif
