/*
 * One gdb on one guest, by gdb's remote protocol. A vCPU is a thread, numbered
 * from 1. The guest stands still while gdb looks and is as it was found, but
 * for what gdb changed, when the session ends, however that comes about.
 */
#ifndef DOM0_DEBUG_GDB_H
#define DOM0_DEBUG_GDB_H

#include "dom0/debug/target.h"

struct gdb;

/*
 * Begin a session: stops the guest. `send` carries bytes to gdb. NULL without
 * memory; *warning is what gdb's user should know, or NULL. A guest that is
 * stopped already stays so when gdb goes, unless `go_on`.
 */
struct gdb *gdb_begin(struct target *t,
                      void (*send)(void *arg, const char *bytes, size_t n),
                      void *arg, bool go_on, const char **warning);
/* gdb has gone: breakpoints go, and the guest goes on if it ran before. */
void gdb_end(struct gdb *g);

/* Bytes from gdb. False when it wants no more of us. */
bool gdb_input(struct gdb *g, const uint8_t *bytes, size_t n);

/*
 * Whether the guest is running for gdb: call gdb_look() every few ms then. At
 * other times now and then, so that a guest that is destroyed can go.
 */
bool gdb_is_running(const struct gdb *g);
void gdb_look(struct gdb *g);

#endif
