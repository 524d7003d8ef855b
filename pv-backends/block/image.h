/*
 * The host's side of a disk: a raw file or a block device, and the lock that
 * keeps two writers apart.
 *
 * The lock sits on the open file description. That lives until the last
 * request handed to the kernel through it has ended, also when the process that
 * handed it in was killed; so whoever gets the lock knows that nothing of a
 * predecessor's is still on its way to the disk.
 */
#ifndef PARAVANE_BLOCK_IMAGE_H
#define PARAVANE_BLOCK_IMAGE_H

#include "pv-backends/runtime/backend.h"

#include <stdbool.h>
#include <stdint.h>

struct image {
    int fd; /* -1: not open */
    bool read_only, is_device, direct, can_discard;
    uint64_t size_bytes;
    unsigned int sector_size, physical_sector_size;
};

/*
 * Open, look and lock. 0; -EBUSY with `why` when somebody else has it (a mount,
 * another backend); another -errno with `why`.
 */
int image_open(struct image *img, const char *path, bool read_only,
               struct backend_why *why);

/*
 * The same with a descriptor that somebody else has opened, `path`, for this
 * process alone. It is taken in any case.
 */
int image_take(struct image *img, int fd, const char *path, bool read_only,
               struct backend_why *why);

/* A drive without a medium: no sectors, nothing open. */
void image_empty(struct image *img);

/*
 * A file's sectors can be what the guest shall see: 512 or 4096 bytes (others
 * are ignored). A device has its own.
 */
void image_set_sector_size(struct image *img, unsigned int bytes);

/* Look at the size again; true when it has changed. */
bool image_resized(struct image *img);

/* Fine on one that is not open. */
void image_close(struct image *img);

#endif
