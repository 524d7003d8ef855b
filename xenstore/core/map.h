/*
 * A hash table keyed by byte strings. Entries are the caller's: a struct whose
 * first member is a map_entry, and which holds the key it is found by. The
 * hash is keyed by a secret, so that nobody can choose names that collide.
 */
#ifndef XENSTORE_CORE_MAP_H
#define XENSTORE_CORE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_entry {
    struct map_entry *next;
    uint64_t hash;
    const char *key; /* lives as long as the entry */
    size_t key_len;
};

struct map {
    struct map_entry **bucket;
    size_t nr_buckets, nr;
    uint64_t seed;
};

uint64_t map_hash(uint64_t seed, const void *key, size_t len);

void map_init(struct map *m, uint64_t seed);
struct map_entry *map_find(const struct map *m, const void *key, size_t len);

/* Add `e` under `key`, which must not be there yet. */
void map_add(struct map *m, struct map_entry *e, const void *key, size_t len);
void map_remove(struct map *m, struct map_entry *e);

/* Visit all; `fn` may free the entry it is given. */
void map_each(struct map *m, void (*fn)(struct map_entry *e, void *arg),
              void *arg);
void map_free(struct map *m); /* the table, not the entries */

#endif
