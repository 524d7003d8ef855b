/*
 * Unpacked kernels on disk, named by the SHA-256 of the packed file:
 *     <dir>/<sha256>.elf       appears whole, by rename
 *     <dir>/<file identity>    a link to it: device, inode, size and times of
 *                              a packed file whose hash is known, so that the
 *                              usual case reads neither it nor hashes it
 * Any of it may be removed at any time. Nothing here is locked: two writers of
 * one kernel write the same bytes.
 */
#ifndef DOM0_BUILDER_CACHE_H
#define DOM0_BUILDER_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Kernels kept; the ones used longest ago go first. */
#define CACHE_MAX_KERNELS 16

struct cache_key {
    char hash[65];
};

void cache_key_of(struct cache_key *k, const void *file, size_t size);

/*
 * Has the file not changed for a while? One that changed a moment ago may
 * change again without its times telling.
 */
bool cache_settled(const struct stat *st);

/* A descriptor of the unpacked kernel, or -ENOENT, -Exxx. */
int cache_open_by_file(const char *dir, const struct stat *packed);
int cache_open(const char *dir, const struct cache_key *k);

/* Remember where this packed file's kernel is. Failure costs time only. */
void cache_link(const char *dir, const struct cache_key *k,
                const struct stat *packed);

/*
 * Keep an unpacked kernel: a descriptor of it, or -Exxx (-ENOSPC ...), and
 * nothing is left behind then.
 */
int cache_store(const char *dir, const struct cache_key *k, const void *data,
                size_t size);

#endif
