/*
 * A store in this process behind the client library's calls, for tests of what
 * stands above it: a tree, one transaction at a time that sees its own writes,
 * watches that fire. No permissions.
 */
#ifndef TESTS_UNIT_XS_FAKE_H
#define TESTS_UNIT_XS_FAKE_H

#include "xenstore/client/xs.h"

void xs_fake_reset(void);

/* Somebody else writes, or removes a node with what is below. */
void xs_fake_put(const char *path, const char *value);
void xs_fake_rm(const char *path);

/* A node's value, valid until the next change; NULL when it is not there. */
const char *xs_fake_get(const char *path);
/* Nodes under `path`, itself included. */
unsigned xs_fake_count(const char *path);
/* The path of the store's n-th node, NULL after the last. */
const char *xs_fake_node(unsigned n);

/* A client dies: its watches and its transaction are gone. */
void xs_fake_disconnect(void);
/* The daemon dies: calls fail, and so does xs_open() until it is back. */
void xs_fake_down(void);
void xs_fake_up(void);
/* The error of xs_open() meanwhile; ECONNREFUSED after a reset. */
extern int xs_fake_refusal;

/* Called before each call of the library; a test may leave by longjmp(). */
extern void (*xs_fake_step)(void);
/* Called after a client changed the store (a transaction: at its end). */
extern void (*xs_fake_after)(void);
/* Domains introduced so far. */
extern unsigned xs_fake_introduced;

#endif
