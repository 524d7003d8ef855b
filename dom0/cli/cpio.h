/*
 * Packing an initial ramdisk: a directory, or files made up on the spot, in
 * cpio's "newc" format as the kernel unpacks it. Archives may follow each other
 * in one ramdisk; later files replace earlier ones.
 */
#ifndef CLI_CPIO_H
#define CLI_CPIO_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct cpio {
    FILE *out; /* the caller's */
    unsigned int next_ino;
    char why[256]; /* after a failure */
};

void cpio_begin(struct cpio *c, FILE *out);

/* All that is under `dir`. 0 or -1 with c->why. */
int cpio_add_tree(struct cpio *c, const char *dir);

/* A file of these bytes, or a directory (S_IFDIR, no bytes). 0 or -1. */
int cpio_add(struct cpio *c, const char *name, mode_t mode, const void *data,
             size_t size);

/* The trailer, and padding that lets another archive follow. 0 or -1. */
int cpio_end(struct cpio *c);

#endif
