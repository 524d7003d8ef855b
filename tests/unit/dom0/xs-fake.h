/*
 * A store in memory behind the client library's calls, for tests of what
 * stands above it: a tree, transactions that see their own writes, watches
 * that fire, and backends that answer at once. No permissions. One store per
 * process; handles do not matter.
 */
#ifndef TESTS_UNIT_DOM0_XS_FAKE_H
#define TESTS_UNIT_DOM0_XS_FAKE_H

#include "xenstore/client/xs.h"

void xs_fake_reset(void);
/* As when a client dies: its transaction is gone. */
void xs_fake_disconnect(void);

/* Called before each call of the library; a test may leave by longjmp(). */
extern void (*xs_fake_step)(void);

/* What backends do once a device's directory is there, and when asked to
 * close. */
enum xs_fake_backends { BACKENDS_WORK, BACKENDS_SILENT, BACKENDS_FAIL };
extern enum xs_fake_backends xs_fake_backends;

/* Nodes under `path`, itself included. */
unsigned xs_fake_count(const char *path);
/* NULL when it is not there; valid until the next change. */
const char *xs_fake_value(const char *path);
void xs_fake_set(const char *path, const char *value);
/* Domains introduced, and not released, so far. */
extern unsigned xs_fake_introduced;

#endif
