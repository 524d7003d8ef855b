/*
 * The console ring of the toolstack. No handshake, no store: it works from the
 * kernel's first line on. One caller at a time.
 */
#ifndef PARAVANE_CORE_CONSFRONT_H
#define PARAVANE_CORE_CONSFRONT_H

#include "pv-frontends/core/libc.h"

/* 0, or -XEN_ENODEV when the domain has none. */
int cons_init(void);

/* As much as there is room for; how much that was. Never waits. */
size_t cons_write(const void *data, size_t size);
/* All of it, waiting for the daemon in shim_wait() as long as it takes. */
void cons_write_all(const void *data, size_t size);
/* What has been typed, at most `size` bytes; how many. */
size_t cons_read(void *data, size_t size);
/* Wait until the daemon has taken everything, or the time is over. */
bool cons_drain(uint64_t timeout_ns);

#endif
