/*
 * Why something was refused or failed: a short code programs can test and one
 * sentence people can read. Filled where the reason is known, carried up as it
 * is.
 */
#ifndef DAEMON_FAULT_H
#define DAEMON_FAULT_H

#include <stdbool.h>

struct fault {
    char code[24];
    char text[1000];
};

/*
 * Fill `f` unless it already holds a reason (the first one is the cause, later
 * ones are consequences). Returns `rc`, so that `return fault_set(...)` reads
 * well. `f` may be NULL.
 */
int fault_set(struct fault *f, int rc, const char *code, const char *format,
              ...) __attribute__((format(printf, 4, 5)));

static inline bool fault_is_set(const struct fault *f)
{
    return f->code[0] != 0;
}

/* The codes in use; pvn maps them to its exit codes. */
#define FAULT_REQUEST "bad-request" /* not the protocol */
#define FAULT_PARAMS  "bad-params"  /* a parameter is missing or wrong */
#define FAULT_CONFIG  "bad-config"  /* the configuration text */
#define FAULT_ABSENT  "not-found"
#define FAULT_EXISTS  "exists"
#define FAULT_BUSY    "busy" /* something else is at it; try later */
#define FAULT_MEMORY  "no-memory"
#define FAULT_DEVICE  "device"
#define FAULT_TIMEOUT "timeout"
#define FAULT_FAILED  "failed"

#endif
