/*
 * The frame table: for each machine frame, who owns it, how many references
 * keep it, and which PV page type it has (frametype.h). This header also
 * converts between the names a frame has.
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include "lib/lib.h"
#include "mm/layout.h"

struct domain;

/* A machine frame number: an index into real memory, whoever owns it. */
typedef struct {
    uint64_t n;
} mfn_t;

static inline mfn_t mfn(uint64_t n)
{
    return (mfn_t){n};
}
#define INVALID_MFN mfn(~0ull)

#define NO_LINK (~0u)

struct frame {
    /*
     * Count of references; 0 means free. While `owner` is a domain, one of
     * them is the allocation itself (FRAME_ALLOCATED), and every PTE, pin,
     * grant or foreign mapping holds one more.
     */
    uint64_t refs;
    uint64_t type;       /* frametype.h: type, flags, count */
    uint32_t next, prev; /* frame numbers: owner's list or free list */
    uint32_t
        tlb_stamp;  /* tlb.h: when a translation may last have been cached */
    uint16_t owner; /* domid; DOMID_XEN ours, DOMID_IO, DOMID_INVALID free */
    uint8_t order;  /* alloc.c: of a free block's first frame */
    uint8_t flags;  /* FRAME_* below; plain, changed by the owner's locks */
};
static_assert(sizeof(struct frame) == 32, "32 bytes a machine frame");

#define FRAME_ALLOCATED (1ull << 63) /* in refs: the allocation reference */
#define FRAME_COUNT     ((1ull << 62) - 1)

#define FRAME_DIRTY 0x01 /* free, and not scrubbed since a guest had it */
#define FRAME_HEAD  0x02 /* first frame of a free block */
#define FRAME_SHARED                                                           \
    0x04                /* ours, but `owner` may map it writable (shared       \
                           info, grant table) */
#define FRAME_FREE 0x08 /* in a free block of the allocator */

#define frame_table ((struct frame *)FRAME_TABLE_START)
extern uint64_t max_mfn; /* highest RAM frame + 1; set before alloc_init() */

/* The two largest runs of RAM, below and above 4 GiB on most machines, which
   nearly all questions are about. */
extern struct mfn_range {
    uint64_t start, nr;
} ram_main[2];
static inline bool mfn_is_main_ram(mfn_t m)
{
    return likely(m.n - ram_main[0].start < ram_main[0].nr) ||
           m.n - ram_main[1].start < ram_main[1].nr;
}
bool mfn_is_other_ram(mfn_t m);

/* True for RAM that the frame table describes. Check before frame_of(). */
static inline bool mfn_is_ram(mfn_t m)
{
    return likely(mfn_is_main_ram(m)) || mfn_is_other_ram(m);
}

static inline struct frame *frame_of(mfn_t m)
{
    return &frame_table[m.n];
}
static inline mfn_t frame_mfn(const struct frame *f)
{
    return mfn((uint64_t)(f - frame_table));
}
static inline void *mfn_to_virt(mfn_t m)
{
    return (void *)(DIRECTMAP_START + (m.n << PAGE_SHIFT));
}
static inline void *phys_to_virt(uint64_t phys)
{
    return (void *)(DIRECTMAP_START + phys);
}
/* Direct map or image addresses only. */
uint64_t virt_to_phys(const void *p);
static inline mfn_t virt_to_mfn(const void *p)
{
    return mfn(virt_to_phys(p) >> PAGE_SHIFT);
}
static inline void *frame_virt(const struct frame *f)
{
    return mfn_to_virt(frame_mfn(f));
}

/* The M2P table; guests read it through its read-only twin. */
#define m2p_rw      ((uint64_t *)M2P_RW_START)
#define INVALID_M2P (~0ull)
static inline void m2p_set(mfn_t m, uint64_t pfn)
{
    WRITE_ONCE(m2p_rw[m.n], pfn);
}
static inline uint64_t m2p_get(mfn_t m)
{
    return READ_ONCE(m2p_rw[m.n]);
}

/*
 * Take a reference on frame `m` if it is RAM that `d` owns right now (or, a
 * FRAME_SHARED page of d). NULL otherwise. Safe against concurrent freeing.
 */
struct frame *frame_get(mfn_t m, const struct domain *d);
/* One more reference on a frame already held. False when it would overflow. */
bool frame_get_again(struct frame *f);
/*
 * Drop one. The last reference gives a domain's frame back to the allocator
 * (dirty, stamped) and, with its last frame, a dying domain itself.
 */
void frame_put(struct frame *f);

/*
 * Domain memory. Frames arrive zeroed, owned by d with the allocation
 * reference, on d's list, counted in d->tot_pages; m2p is the caller's.
 * `addr_bits`: highest address width, 0 for any. NULL when over max_pages,
 * the domain is dying or memory is out.
 */
struct frame *frame_alloc_domain(struct domain *d, unsigned order,
                                 unsigned addr_bits);
/*
 * The same for dom0 at boot, with whatever the frames hold: clearing all of
 * dom0's memory would take longer than the rest of the boot, and nobody but
 * the firmware, or a system before us that dom0 could have read too, used it.
 */
struct frame *frame_alloc_dom0(struct domain *d, unsigned order);
/*
 * Drop the allocation reference of one frame of d; false if it was gone. The
 * caller holds another reference, or names d's own frame with no other users.
 */
bool frame_release(struct frame *f, struct domain *d);
/* Hand a hypervisor page to d to be mapped (FRAME_SHARED), and take it back:
   unshare returns when the page has no more users, or -EBUSY. */
void frame_share(void *page, struct domain *d);
void frame_unshare_free(void *page);
/* A page of ours becomes DOMID_XEN's for good, mappable read-only by privileged
   domains. */
void frame_expose(mfn_t m);
/* The frames of the M2P become DOMID_XEN's, mappable read-only by privileged
   domains. Idempotent. The page of the M2P at byte `offset`, or INVALID_MFN. */
void frame_expose_m2p(void);
mfn_t frame_of_m2p(uint64_t offset);

/* Let go of d's memory, a bounded piece per call: -ERESTART until done. */
int frame_relinquish_domain(struct domain *d);

#endif
