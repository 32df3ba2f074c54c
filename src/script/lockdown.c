/* What a worker gives up before it reads its first byte: descriptors, privileges, growth, and every
 * system call that is not on a short list. The list is written as the kernel's filter language by
 * hand, because it is small and a library for it would be one more thing to trust. */
#include "script/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define SLACK_BYTES (48u << 20) /* texts, frames, the allocator's own needs */
#define PLACE_OF_PID 0xffffffffu

struct row {
    int call;
    int argument; /* that must, masked, be the value; -1: any */
    uint32_t mask, value;
};

/* Memory that is never executable, the one socket, the clock, the end. */
static const struct row allowed[] = {
    {SYS_recvfrom, 0, UINT32_MAX, JAIL_SOCKET},
    {SYS_sendto, 0, UINT32_MAX, JAIL_SOCKET},
    {SYS_clock_gettime, -1, 0, 0},
    {SYS_mmap, 2, PROT_EXEC, 0},
    {SYS_mprotect, 2, PROT_EXEC, 0},
    {SYS_munmap, -1, 0, 0},
    {SYS_mremap, -1, 0, 0},
    {SYS_madvise, -1, 0, 0},
    {SYS_brk, -1, 0, 0},
    {SYS_futex, -1, 0, 0},
    {SYS_getrandom, -1, 0, 0},
    {SYS_prlimit64, 0, UINT32_MAX, 0}, /* its own; it cannot raise what is lowered */
    {SYS_rt_sigreturn, -1, 0, 0},
    {SYS_rt_sigprocmask, -1, 0, 0},
    {SYS_rt_sigaction, -1, 0, 0},
    {SYS_restart_syscall, -1, 0, 0},
    {SYS_getpid, -1, 0, 0},
    {SYS_gettid, -1, 0, 0},
    {SYS_tgkill, 0, UINT32_MAX, PLACE_OF_PID}, /* abort() */
    {SYS_exit, -1, 0, 0},
    {SYS_exit_group, -1, 0, 0},
#if SANITIZED /* the sanitizers' runtime looks around; the product is built without */
    {SYS_sigaltstack, -1, 0, 0},
    {SYS_sched_yield, -1, 0, 0},
    {SYS_getrusage, -1, 0, 0},
    {SYS_write, -1, 0, 0},
#endif
};
#define ROWS (sizeof allowed / sizeof *allowed)

/* "tidelock-worker: cannot ..." would need a descriptor; the code tells which step it was. */
static void insist(bool ok, int step) {
    if (!ok) _exit(100 + step);
}

static size_t put_row(struct sock_filter *out, const struct row *row) {
    struct sock_filter call = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)row->call, 0, 1);
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    if (row->argument < 0) {
        out[0] = call;
        out[1] = allow;
        return 2;
    }
    uint32_t place = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)row->argument);
    uint32_t value = row->value == PLACE_OF_PID ? (uint32_t)getpid() : row->value;
    call.jf = 5;
    out[0] = call;
    out[1] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, place);
    out[2] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, row->mask);
    out[3] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    out[4] = allow;
    out[5] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    return 6;
}

static void filter_calls(void) {
#ifdef ARCHITECTURE
    struct sock_filter code[6 * ROWS + 8];
    size_t length = 0;
    code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                  offsetof(struct seccomp_data, arch));
    code[length++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[length++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < ROWS; i++) length += put_row(code + length, &allowed[i]);
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog program = {.len = (unsigned short)length, .filter = code};
    insist(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, 6);
#else
    insist(false, 7); /* no list for this processor: no worker rather than an open one */
#endif
}

static void limit(int resource, uint64_t most, int step) {
    const struct rlimit both = {most, most};
    insist(setrlimit((__rlimit_resource_t)resource, &both) == 0, step);
}

static uint64_t bytes_in_use(void) {
    char text[64] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t length = read(file, text, sizeof text - 1);
        close(file);
        if (length > 0) return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    return 1u << 30; /* no /proc: the limit is coarse, the heap's own cap is not */
}

static void drop_privileges(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    insist(syscall(SYS_capset, &header, none) == 0, 1);
    insist(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, 2);
    insist(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, 3);
}

void lockdown(size_t memory_bytes) {
    if (!SANITIZED) limit(RLIMIT_AS, bytes_in_use() + memory_bytes + SLACK_BYTES, 4);
    if (syscall(SYS_close_range, JAIL_SOCKET + 1, ~0U, 0) != 0)
        for (int descriptor = JAIL_SOCKET + 1; descriptor < 65536; descriptor++) close(descriptor);
    limit(RLIMIT_FSIZE, 0, 4);
    limit(RLIMIT_CORE, 0, 4);
    limit(RLIMIT_NPROC, 0, 4);
    limit(RLIMIT_NOFILE, 0, 4);
    limit(RLIMIT_MEMLOCK, 0, 4);
    jail_allow_cpu(1000);
    drop_privileges();
    filter_calls();
}

void jail_allow_cpu(uint32_t milliseconds) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    struct rlimit cpu = {.rlim_max = RLIM_INFINITY};
    cpu.rlim_cur = (rlim_t)used.tv_sec + milliseconds / 1000 + 2;
    insist(setrlimit(RLIMIT_CPU, &cpu) == 0, 5);
}
