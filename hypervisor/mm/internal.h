/* What the files of mm/ share among themselves. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "mm/alloc.h"
#include "mm/frame.h"
#include "mm/frametype.h"

struct domain;

/*
 * alloc_frames() on behalf of `d`: takes from d's claim first and leaves what
 * others have claimed alone. `d` NULL: the hypervisor's own needs go first.
 */
struct frame *alloc_frames_for(struct domain *d, unsigned order,
                               unsigned addr_bits);

/* frame_alloc_domain() that may exceed max_pages: XENMEM_exchange gives as
   many frames back as it takes. */
struct frame *frame_alloc_exchange(struct domain *d, unsigned order,
                                   unsigned addr_bits);
/*
 * Take d's frame out of circulation: 0 when the allocation and the caller
 * held the only references; both are gone then, and nobody can get new ones
 * until frame_unsteal() or frame_free_stolen(). -EBUSY otherwise.
 */
int frame_steal(struct frame *f);
void frame_unsteal(struct frame *f);
void frame_free_stolen(struct frame *f);

/*
 * The type word of a frame:
 *
 *   63..61 type | 60 valid | 59 pinned | 58 foreign | 57 partial |
 *   56 dropping | 55..46 position | 45..0 count
 *
 * Count 0: never `valid`; the type is only a memory of what stale translations
 * may exist for; the next user may choose another after a flush. Count > 0 and
 * not `valid`: the first user is still flushing or validating, or the last one
 * is on its way out. `partial`: a preempted validation holds entries [0,
 * position) and a general reference. `dropping`: the frame waits in d->pv.drop,
 * which holds a reference too.
 */
#define T_TYPE_SHIFT  61
#define T_VALID_SHIFT 60
#define T_VALID       (1ull << T_VALID_SHIFT)
#define T_PINNED      (1ull << 59)
#define T_FOREIGN     (1ull << 58) /* was writable in other domains' tables */
#define T_PARTIAL     (1ull << 57)
#define T_DROPPING    (1ull << 56)
#define T_POS_SHIFT   46
#define T_POS         (0x3ffull << T_POS_SHIFT)
#define T_COUNT       ((1ull << T_POS_SHIFT) - 1)

#define ENTRIES 512 /* of a table */

static inline enum frame_type type_of(uint64_t word)
{
    return (enum frame_type)(word >> T_TYPE_SHIFT);
}

static inline uint64_t type_word(enum frame_type type)
{
    return (uint64_t)type << T_TYPE_SHIFT;
}

/* May one more use of this type be counted, and nothing else be done? Valid,
   it has a use, and is neither being dropped nor checked. */
static inline bool type_is_used(uint64_t word, enum frame_type type)
{
    return word >> T_VALID_SHIFT == ((uint64_t)type << 1 | 1) &&
           (word & T_COUNT) != T_COUNT;
}

/* Memory that is not in use, and was writable at most. */
static inline bool type_is_plain(uint64_t word)
{
    word &= ~T_FOREIGN;
    return !word || word == type_word(FT_WRITABLE);
}

static inline bool type_is_table(enum frame_type type)
{
    return type >= FT_L1 && type <= FT_L4;
}

static inline bool is_host_slot(unsigned level, unsigned i)
{
    return level == 4 && i >= HOST_L4_FIRST && i <= HOST_L4_LAST;
}

#endif
