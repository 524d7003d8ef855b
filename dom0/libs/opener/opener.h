/*
 * Images opened by somebody who may, for somebody who may not: pvblkd has no
 * right to any file, and asks pvnd for each one that it serves. Every answer is
 * an open file description of its own, so that a lock on it is that process's
 * alone and lives as long as the last of its requests.
 */
#ifndef LIBS_OPENER_OPENER_H
#define LIBS_OPENER_OPENER_H

#include <stddef.h>
#include <stdint.h>

enum { OPENER_PATH = 1024, OPENER_WHY = 240 };

/* Which image: of that disk, which the asker takes to be this. */
struct opener_request {
    uint32_t domid, devid;
    char path[OPENER_PATH];
};

/*
 * Ask at the socket. 0 and a descriptor; -EBUSY when nobody answers now;
 * another -errno. Failures come with a sentence in `why`. Waits for a second at
 * most.
 */
int opener_ask(const char *socket, const struct opener_request *rq, int *fd,
               char why[OPENER_WHY]);

/* The other side, with a connection: its one question, checked in form. 0 or
 * -errno. Waits for a second at most. */
int opener_receive(int sock, struct opener_request *rq);

/* And the answer: a descriptor, which stays the caller's, or `rc` and why. */
int opener_answer(int sock, int rc, int fd, const char *why);

#endif
