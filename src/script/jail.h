/* Processes that can do nothing but compute and answer, for code that must not be trusted with an
 * address space of ours.
 *
 *   host ──control──> zygote ──fork──> worker      host <──socket──> worker
 *
 * The zygote is forked early, from a small host; it waits for requests and forks a worker for each,
 * which is quick because it has little memory. Beside it stands a spare, which takes its place when
 * it is killed and forks the next spare: an entry whose worker died with its zygote is lost, the
 * next one is not. A worker locks itself down before it reads a
 * byte (lockdown.c) and then runs the entry, a function of the same program, on its one descriptor,
 * a stream socket. The host kills it through a pidfd; it dies with the zygote, and the zygote with
 * the host's end of its control socket, however the host ends.
 *
 * A frame is a length and bytes. What a worker says is not to be trusted: readers check. */
#ifndef TIDELOCK_SCRIPT_JAIL_H
#define TIDELOCK_SCRIPT_JAIL_H
#include "base/err.h"
#include "base/str.h"
#include "script/sandbox.h"

#include <stdint.h>
#include <sys/types.h>

#define JAIL_SOCKET 0            /* the worker's only descriptor */
#define JAIL_FRAME_MOST (16u << 20)

/* What runs in the worker; when it returns the process ends. */
typedef void (*jail_entry)(void);

struct jail { /* one worker, seen from the host; zeroed: none */
    struct sandbox_workers *home;
    pid_t pid;
    unsigned generation; /* of the zygote that forked it */
    int socket, pidfd; /* the pidfd stays open until jail_close */
};

/* Forks a worker that may use `memory_bytes` beyond what it starts with. */
bool jail_open(struct sandbox_workers *home, jail_entry entry, size_t memory_bytes,
               struct jail *out, struct err *err) MUST_CHECK;
bool jail_is_open(const struct jail *jail);
/* Kills and reaps; `why` (may be NULL) gets how it ended: "killed by signal 9". */
void jail_end(struct jail *jail, char *why, size_t size);
void jail_close(struct jail *jail); /* jail_end, and the descriptors; accepts none */
/* A signal with a value to the worker; async-signal-safe. */
void jail_signal(const struct jail *jail, int signal, void *value);

/* One frame to or from the worker, before a moment of the monotonic clock; false: late, or the
 * worker is gone. What is received replaces *into. */
bool jail_send(const struct jail *jail, const struct str *frame, int64_t deadline_us) MUST_CHECK;
bool jail_receive(const struct jail *jail, struct str *into, int64_t deadline_us) MUST_CHECK;
/* The worker's side waits as long as it takes; a closed socket ends the process. */
void jail_answer(const struct str *frame);
void jail_await(struct str *into);
/* In the worker, before a piece of work: how much CPU time it may use up before the kernel ends it.
 */
void jail_allow_cpu(uint32_t milliseconds);

/* lockdown.c: in the worker, once: limits, no privileges, and a list of system calls. Ends the
 * process when anything of it does not work. */
void lockdown(size_t memory_bytes);
#endif
