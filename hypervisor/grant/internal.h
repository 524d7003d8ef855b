/* What the files of grant/ share. */
#ifndef GRANT_INTERNAL_H
#define GRANT_INTERNAL_H

#include "grant/gnttab.h"

#include "domain/domain.h"
#include "lib/spinlock.h"
#include "mm/frametype.h"

#define ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define HANDLES_PER_PAGE  (PAGE_SIZE / sizeof(struct grant_mapping))

/*
 * Our record of a grant in use. The guest's entry is read when the first pin
 * is taken; from then on this is what holds, whatever the guest writes.
 */
struct grant_pin {
    uint32_t frame;
    domid_t domid; /* who uses it */
    uint8_t readers, writers;
};
static_assert(sizeof(struct grant_pin) == sizeof(struct grant_entry_v1),
              "a page of pins for a page of entries");

/*
 * One mapping that a domain holds of another's grant; its index is the
 * handle. It has a pin on the grant and references on the frame (with the
 * writable type, unless read-only), until no CPU can use it any more.
 */
struct grant_mapping {
    uint32_t ref; /* free: the next free handle */
    uint32_t frame;
    domid_t domid;    /* the granter, kept alive by the frame */
    uint8_t flags;    /* GNTMAP_*, what is still mapped; 0: free */
    uint8_t inflight; /* unmaps between their first and second step */
    uint32_t pad;
};
#define MAPPING_FLAGS                                                          \
    (GNTMAP_device_map | GNTMAP_host_map | GNTMAP_readonly |                   \
     GNTMAP_application_map | GNTMAP_contains_pte)
#define MAPPING_LIVE (GNTMAP_device_map | GNTMAP_host_map)
#define MAPPING_USED 0x80u

/*
 * `lock`: the table, its entries' status flags and pins. `map_lock`: the
 * mappings this domain holds. Neither is held across the other, across page
 * table work, nor two tables' at once (README.md).
 */
struct gnttab {
    struct spinlock lock;
    uint32_t nr_frames, max_frames;
    struct grant_entry_v1 **entries; /* pages shared with the guest */
    struct grant_pin **pins;
    uint32_t nr_pins;

    struct spinlock map_lock;
    uint32_t max_map_pages, nr_handles, nr_maps;
    uint32_t free_handle; /* NO_HANDLE: none */
    uint32_t next_kill;
    struct grant_mapping **map_pages;
};
#define NO_HANDLE (~0u)

/* gnttab.c */

/*
 * Pin `ref` of rd's table for `user`: checks the entry, sets its status
 * flags, takes the references on its frame. GNTST_*; on okay *frame.
 */
int16_t grant_pin(struct domain *rd, grant_ref_t ref, domid_t user,
                  bool readonly, struct frame **frame);
void grant_unpin(struct domain *rd, grant_ref_t ref, bool readonly,
                 struct frame *frame);
/* A frame of d's own, with the references that a grant of it would take. */
struct frame *grant_frame_get(struct domain *d, uint64_t gmfn, bool readonly);
void grant_frame_put(struct domain *d, struct frame *frame, bool readonly);

int16_t gnttab_setup(struct domain *d, uint32_t nr_frames);
int16_t gnttab_swap(struct domain *d, grant_ref_t a, grant_ref_t b);

/* map.c */
void gnttab_map(struct gnttab_map_grant_ref *op);
/* The mapping of a handle, NULL when there is none; g->map_lock held. */
struct grant_mapping *mapping_get_locked(struct gnttab *g, uint32_t handle);
void mapping_free_locked(struct gnttab *g, uint32_t handle);
/* The end of an unmap under way: it failed, `what` is mapped as before; or it
   is done, and true with a last *copy when nothing is mapped any more. */
void mapping_restore_locked(struct gnttab *g, uint32_t handle, uint8_t what);
bool mapping_settle_locked(struct gnttab *g, uint32_t handle,
                           struct grant_mapping *copy);

/* unmap.c */

/* An unmap between its two steps: the entry is cleared, the TLBs are not. */
struct gnttab_unmap {
    uint64_t host_addr, dev_bus_addr, new_addr;
    uint32_t handle;
    int16_t status;
    bool begun;
};
void gnttab_unmap_begin(struct domain *d, struct gnttab_unmap *u);
/* After gnttab_flush(): let go of the grant if nothing maps it any more. */
void gnttab_unmap_end(struct domain *d, struct gnttab_unmap *u);
/* Let go of all that d maps of others; -ERESTART until done. */
int gnttab_unmap_all(struct domain *d);

/* copy.c */
void gnttab_copy(struct gnttab_copy *op);

#endif
