#include "xenstore/core/map.h"
#include "xenstore/core/mem.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 16

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 wide = (unsigned __int128)a * b;

    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

/* Multiply and fold, eight bytes at a time, with the seed in every step. */
uint64_t map_hash(uint64_t seed, const void *key, size_t len)
{
    const uint64_t factor = seed | 0xa0761d6478bd6421u;
    const char *p = key;
    uint64_t h = seed ^ (len * 0x9e3779b97f4a7c15u), word;

    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        h = mix(h ^ word ^ 0xd6e8feb86659fd93u, factor);
    }
    if (len) {
        word = 0;
        memcpy(&word, p, len);
        h = mix(h ^ word ^ 0xd6e8feb86659fd93u, factor);
    }
    return mix(h ^ seed, 0xe7037ed1a0b428dbu);
}

void map_init(struct map *m, uint64_t seed)
{
    memset(m, 0, sizeof(*m));
    m->seed = seed;
}

struct map_entry *map_find(const struct map *m, const void *key, size_t len)
{
    struct map_entry *e;
    uint64_t hash;

    if (!m->nr)
        return NULL;
    hash = map_hash(m->seed, key, len);
    for (e = m->bucket[hash & (m->nr_buckets - 1)]; e; e = e->next)
        if (e->hash == hash && e->key_len == len && !memcmp(e->key, key, len))
            return e;
    return NULL;
}

static void push(struct map *m, struct map_entry *e)
{
    struct map_entry **b = &m->bucket[e->hash & (m->nr_buckets - 1)];

    e->next = *b;
    *b = e;
}

static void grow(struct map *m)
{
    struct map_entry **old = m->bucket, *e, *next;
    size_t nr_old = m->nr_buckets, i;

    m->nr_buckets = nr_old ? 2 * nr_old : FIRST_BUCKETS;
    m->bucket = mem_zalloc(m->nr_buckets * sizeof(struct map_entry *));
    for (i = 0; i < nr_old; i++)
        for (e = old[i]; e; e = next) {
            next = e->next;
            push(m, e);
        }
    free(old);
}

void map_add(struct map *m, struct map_entry *e, const void *key, size_t len)
{
    if (m->nr >= m->nr_buckets)
        grow(m);
    e->key = key;
    e->key_len = len;
    e->hash = map_hash(m->seed, key, len);
    push(m, e);
    m->nr++;
}

void map_remove(struct map *m, struct map_entry *e)
{
    struct map_entry **link = &m->bucket[e->hash & (m->nr_buckets - 1)];

    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    m->nr--;
}

void map_each(struct map *m, void (*fn)(struct map_entry *e, void *arg),
              void *arg)
{
    struct map_entry *e, *next;
    size_t i;

    for (i = 0; i < m->nr_buckets; i++)
        for (e = m->bucket[i]; e; e = next) {
            next = e->next;
            fn(e, arg);
        }
}

void map_free(struct map *m)
{
    free(m->bucket);
    map_init(m, m->seed);
}
