/*
 * The journal of a disk's unanswered requests, in a shared mapping of a file
 * under /run that outlives a killed process.
 *
 * The ring alone does not tell what is unanswered: answers are written in any
 * order into the slots of older requests, so a slot between rsp_prod and
 * req_prod may hold a request that was answered long ago, and an unanswered one
 * may have been overwritten. So each request is copied here before its slot is
 * given up, and its answer is noted before it is written to the ring. Every
 * step is ordered such that a kill between any two leaves a state from which
 * inflight_recover() continues with each request answered exactly once.
 */
#ifndef PARAVANE_BLOCK_INFLIGHT_H
#define PARAVANE_BLOCK_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "pv-backends/runtime/ring.h"

#include <xen/io/blkif.h>

enum inflight_state { INFLIGHT_FREE, INFLIGHT_BUSY, INFLIGHT_ANSWERED };

struct inflight_entry {
    uint32_t state;
    RING_IDX taken_at;    /* index of its request */
    RING_IDX answered_at; /* index of its response */
    int16_t status;
    uint8_t operation; /* to be echoed */
    uint8_t pad;
    struct blkif_request raw;
};

struct inflight_shared {
    uint64_t magic;
    uint64_t connection; /* which rings this is about */
    uint32_t nr_entries;
    RING_IDX req_cons, rsp_prod;
    uint32_t pad;
    struct inflight_entry entries[];
};

struct inflight {
    struct inflight_shared *shared;
    size_t size_bytes;
    uint32_t *free; /* a stack of free entries */
    uint32_t nr_free, next_answer;
};

/* A new journal for a fresh ring that starts at `index`. 0 or -errno. */
int inflight_create(struct inflight *j, const char *path, uint64_t connection,
                    uint32_t nr_entries, RING_IDX index);

/* The predecessor's. 0; -ENOENT or -ESTALE when there is none of this ring. */
int inflight_open(struct inflight *j, const char *path, uint64_t connection,
                  uint32_t nr_entries);

void inflight_close(struct inflight *j);

/* Entry of a request just copied from index req_cons, which moves on. */
uint32_t inflight_take(struct inflight *j, const struct blkif_request *raw);

bool inflight_full(const struct inflight *j);

/* Note an answer; it goes to the response index that is returned. */
RING_IDX inflight_answer(struct inflight *j, uint32_t entry, uint8_t operation,
                         int16_t status);

/* The ring's rsp_prod has been moved to `rsp_prod`: forget what is below. */
void inflight_published(struct inflight *j, RING_IDX rsp_prod);

/*
 * After inflight_open(): the ring's rsp_prod says which noted answers the guest
 * has. Calls `again` for each answer to be written anew (in order of their
 * index) and `redo` for each request to be served again (oldest first).
 * 0, or -EINVAL when rsp_prod is impossible.
 */
struct inflight_visitor {
    void (*again)(void *arg, const struct inflight_entry *e);
    void (*redo)(void *arg, uint32_t entry);
    void *arg;
};
int inflight_recover(struct inflight *j, RING_IDX rsp_prod,
                     const struct inflight_visitor *visitor);

#endif
