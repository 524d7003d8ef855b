/*
 * A host for the frontends, in this process: pages, grants, event channels and
 * a store over its real ring. Tests play the backend through it.
 */
#ifndef TEST_SHIM_FAKE_H
#define TEST_SHIM_FAKE_H

#include "pv-frontends/core/libc.h"
#include "pv-frontends/shim/shim.h"

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/io/xenbus.h>

#define FAKE_DOMID 1

/* Everything as at boot: empty store, no grants, all pages free. */
void fake_reset(void);

/* Another host: a new grant table and a store that knows nothing of us. */
void fake_new_host(void);

/* ---- pages and grants ---------------------------------------------------- */

unsigned int fake_pages_in_use(void);
/* Let the next `nr` allocations be the last that succeed; -1: all do. */
void fake_pages_limit(int nr);
/* What the backend sees behind a reference, NULL if it may not. */
void *fake_grant_map(grant_ref_t ref, bool write);
/* Mark a grant as in use by the backend, or not. */
void fake_grant_hold(grant_ref_t ref, bool hold);
unsigned int fake_grants_live(void);
/* Frames given back by the balloon. */
extern unsigned int fake_ballooned;

/* ---- event channels ------------------------------------------------------ */

/* Sends that the guest made on a port so far. */
unsigned int fake_sends(unsigned int port);
/* Raise a port at the guest, handlers run at once. */
void fake_raise(unsigned int port);

/* ---- the store ----------------------------------------------------------- */

/* As a privileged client: full paths. NULL when there is no such node. */
void fake_store_set(const char *path, const char *value);
const char *fake_store_get(const char *path);
void fake_store_rm(const char *path);
/* The number in a node; -1 when it is missing. */
long fake_store_number(const char *path);
/* The next transactions end with EAGAIN. */
extern unsigned int fake_store_conflicts;
/* The daemon does not look any more / looks again. */
extern bool fake_store_asleep;
struct xenstore_domain_interface *fake_store_ring(void);
struct xencons_interface *fake_console_ring(void);

/* ---- time ---------------------------------------------------------------- */

/* Called when the guest sleeps: the test's turn to play the backend. */
extern void (*fake_on_wait)(void);
extern unsigned int fake_log_lines;

#endif
