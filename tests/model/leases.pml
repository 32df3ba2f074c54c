/* Lease, claim, fence and resend, for every interleaving of two hosts that stop for any time, die,
 * are taken for dead while they live, and start again; with a Redis that may say anything.
 *
 * What stands for what:
 *
 *     now                 steady time, everybody's: only rates matter
 *     alive[t], last      rows of `instances`; t is the term              src/lease/lease_member.c
 *     owner               the row of the key in `leases`                  src/lease/lease_keys.c
 *     beat[t]             store_beat                                      src/lease/lease_watch.c
 *     deadline[h]         lease_held's deadline: asked + TTL              src/lease/lease_watch.c
 *     mine[h]             lease_held(key), as the host believes           src/lease/lease_keys.c
 *     hint                the key in Redis                                src/lease/lease_redis.c
 *     row[s]              the signal's row; its change is the claim       src/flow/trade_signal.c
 *     right_*[s]          the order's right to send: term, valid until    src/flow/send_order.c
 *     seen[h]             the host's book, as of its last commit          src/flow/record.c
 *     exposure            positions and orders by the log                 src/trade/rails.c
 *     commit(...)         fence_check                                     src/store/fence.c
 *     flying[s], book[s]  on the wire; at a broker that tells no doubles
 *
 * Held: no order stands twice at the broker (O), no limit is passed by two who each saw room (L),
 * and, when only silence counts as death, no two hold the key at one moment by their own clocks
 * (H: SILENCE_ONLY, which leaves the work out). Each of the broken variants below must be seen to
 * break one of them.
 *
 *     NO_FENCE       a commit asks neither who lives nor who owns         L, O
 *     REDIS_DECIDES  whom Redis grants the key holds it                   L, O
 *     NO_WINDOW      a taker resends before the last right has run out    O
 *     LATE_HOLDER    a holder sends though its right has run out          O
 *     NO_GRACE       silent for one tick is dead (with SILENCE_ONLY)      H
 *
 * The check of a right and the write to the socket are one step here. A process stopped exactly
 * between them is the broker's own validity window to refuse, or FLIGHT's to cover. */
#define HOSTS 2
#define TERMS 4 /* three starts */
#define SIGNALS 2
#define LIMIT 1
#define TTL 2
#define GRACE 1
#define VALID 1
#define FLIGHT 1
#define END 6

#define RECEIVED 0
#define WORKING 1
#define DONE 2
#define REJECTED 3

byte now;
bool alive[TERMS];
byte last, owner, hint;
byte beat[TERMS];
byte row[SIGNALS], right_term[SIGNALS], right_until[SIGNALS];
byte exposure;
byte flying[SIGNALS], sent_at[SIGNALS], book[SIGNALS];
byte deadline[HOSTS], seen[HOSTS];
bool mine[HOSTS];

#if defined(NO_FENCE)
#define may_commit(t) true
#elif defined(REDIS_DECIDES)
#define may_commit(t) alive[t]
#else
#define may_commit(t) (alive[t] && owner == t)
#endif

#ifdef LATE_HOLDER
#define may_send(h, s, t) true
#else
#define may_send(h, s, t) (now < right_until[s] && right_term[s] == t && now < deadline[h])
#endif

#ifdef NO_WINDOW
#define may_ask(s, t) (right_term[s] != t)
#else
#define may_ask(s, t) (now > right_until[s] + FLIGHT)
#endif

#ifdef NO_GRACE
#define is_silent(t) (now > beat[t])
#else
#define is_silent(t) (now >= beat[t] + TTL + GRACE)
#endif

/* Values that mean nothing any more are zero, so that equal states are seen to be equal. */
inline forget()
{
    mine[h] = false;
    seen[h] = 0;
    s = 0;
    found = false;
    was = 0
}
inline end(state)
{
    row[s] = state;
    right_term[s] = 0;
    right_until[s] = 0
}
#ifdef SILENCE_ONLY
#define beat_now() beat[my] = now
#define die(t) alive[t] = false; beat[t] = 0
#else
#define beat_now() skip
#define die(t) alive[t] = false
#endif

proctype Host(byte h)
{
    byte s, my, was;
    bool found;
start:
    atomic {
        last < TERMS - 1 -> last++;
        my = last;
        alive[my] = true;
        deadline[h] = now + TTL;
        beat_now()
    }
work:
    do
    :: atomic { alive[my] && deadline[h] < now + TTL -> deadline[h] = now + TTL; beat_now() }
    :: atomic { !alive[my] -> forget(); goto start } /* the log tells it */
    :: atomic { last < TERMS - 1 -> forget(); goto start } /* kill -9 */
#ifdef REDIS_DECIDES
    :: atomic { !mine[h] && alive[my] && (hint == 0 || hint == my) ->
                hint = my; mine[h] = true; seen[h] = exposure }
#else
    /* Redis says anything: to be denied is not to come here now. */
    :: atomic { !mine[h] && alive[my] && (owner == 0 || !alive[owner]) ->
                owner = my; mine[h] = true; seen[h] = exposure;
#ifdef SILENCE_ONLY
                assert(!mine[1 - h] || now >= deadline[1 - h]); /* H */
#endif
              }
#endif
#ifndef SILENCE_ONLY
    :: atomic { mine[h] && now < deadline[h] && row[0] == RECEIVED -> s = 0; goto claim }
    :: atomic { mine[h] && now < deadline[h] && row[1] == RECEIVED -> s = 1; goto claim }
    :: atomic { mine[h] && now < deadline[h] && row[0] == WORKING && may_ask(0, my) ->
                s = 0; found = book[0] > 0; was = right_until[0]; goto look }
    :: atomic { mine[h] && now < deadline[h] && row[1] == WORKING && may_ask(1, my) ->
                s = 1; found = book[1] > 0; was = right_until[1]; goto look }
#endif
    od;
claim: /* decided by what was seen; the commit may come any time later */
    atomic {
        if
        :: !(may_commit(my) && row[s] == RECEIVED) -> forget(); goto work
        :: else
        fi;
        if
        :: seen[h] >= LIMIT -> end(REJECTED); s = 0; goto work
        :: else ->
            row[s] = WORKING;
            right_term[s] = my;
            right_until[s] = now + VALID;
            exposure++;
            seen[h]++;
            assert(exposure <= LIMIT) /* L */
        fi
    };
    goto send;
look: /* the broker has answered; what follows from it may come any time later */
    atomic {
        if
        :: !(may_commit(my) && row[s] == WORKING && right_until[s] == was) ->
            forget(); goto work
        :: else
        fi;
        if
        :: found -> end(DONE); s = 0; found = false; was = 0; goto work
        :: else ->
            right_term[s] = my;
            right_until[s] = now + VALID;
            was = 0
        fi
    };
send:
    atomic {
        if
        :: may_send(h, s, my) ->
            flying[s]++;
            if
            :: flying[s] == 1 -> sent_at[s] = now
            :: else
            fi
        :: else /* it stays unsent: a later look finds that out */
        fi;
        s = 0
    };
    goto work
}

active proctype Others()
{
    byte t;
    do
    :: atomic { now < END && (flying[0] == 0 || now < sent_at[0] + FLIGHT) &&
                (flying[1] == 0 || now < sent_at[1] + FLIGHT) -> now++ }
    :: atomic { flying[0] > 0 -> flying[0]--; sent_at[0] = 0; book[0]++;
                assert(book[0] <= 1) } /* O */
    :: atomic { flying[1] > 0 -> flying[1]--; sent_at[1] = 0; book[1]++;
                assert(book[1] <= 1) } /* O */
#ifdef SILENCE_ONLY
    :: atomic { alive[1] && is_silent(1) -> die(1) }
    :: atomic { alive[2] && is_silent(2) -> die(2) }
    :: atomic { alive[3] && is_silent(3) -> die(3) }
#else /* silence, or a session that is gone: at any time, whether or not the process is alive */
    :: atomic { alive[1] && last < TERMS - 1 -> die(1) }
    :: atomic { alive[2] && last < TERMS - 1 -> die(2) }
#endif
#ifdef REDIS_DECIDES
    :: atomic { hint != 0 -> hint = 0 } /* restarted, emptied, evicted, failed over */
#endif
    od
}

init
{
    atomic { run Host(0); run Host(1) }
}
