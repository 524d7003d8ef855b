/*
 * The programs. A word of the command line names one, the words behind it are
 * its options; see README.md. Each says "TINY <name> ok ..." or
 * "TINY <name> failed: ..." as its last line.
 */
#ifndef PARAVANE_GUEST_PROGRAM_H
#define PARAVANE_GUEST_PROGRAM_H

#include "pv-frontends/guest/guest.h"

struct program {
    const char *name, *what;
    const struct option *options; /* NULL: none */
    /* 0, or an error with the reason already printed by program_fail(). */
    int (*run)(void);
};

void program_run(void);

/* Remember why; returns -1 for the caller to pass on. */
int program_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The store, and the first device of a class; a failure is said. */
int program_store(void);
int program_device(const char *type, unsigned int *devid);

int run_hello(void);
int run_console(void);
int run_blk_verify(void);
int run_blk_bench(void);
int run_net_echo(void);
int run_tcp_echo(void);
int run_tcp_bench(void);
int run_bench(void);
int run_smp(void);
int run_balloon(void);
int run_fault(void);

#endif
