/*
 * A store in this process, behind the xs_* calls: a handful of nodes, watches,
 * and transactions that always succeed.
 */
#ifndef PARAVANE_TEST_XS_FAKE_H
#define PARAVANE_TEST_XS_FAKE_H

void xs_fake_reset(void);

/* Somebody else writes, or removes a node with what is below. */
void xs_fake_put(const char *path, const char *value);
void xs_fake_rm(const char *path);

/* A node's value, NULL when it is not there. */
const char *xs_fake_get(const char *path);

/* The daemon dies: calls fail, and so does xs_open() until it is back. */
void xs_fake_down(void);
void xs_fake_up(void);

#endif
