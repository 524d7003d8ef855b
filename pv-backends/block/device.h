/*
 * A disk as the store shows it: the device class "pvblk".
 */
#ifndef PARAVANE_BLOCK_DEVICE_H
#define PARAVANE_BLOCK_DEVICE_H

#include "pv-backends/runtime/backend.h"

struct blkio;

extern const struct backend_class blk_class;

/* Before the first device: the engine of all, and where journals live. */
void blk_device_setup(struct blkio *io, const char *state_dir);

#endif
