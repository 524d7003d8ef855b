/* Where the randomness comes from, and what it is made into. */
#include "fuzz.h"

/* splitmix64 */
uint64_t fuzz_random(struct fuzz_vcpu *v)
{
    uint64_t z = v->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* 0 and 1 data, then the four levels: ten pages each. */
unsigned int role_of(unsigned int page)
{
    return page % 6 < 2 ? 0 : page % 6 - 1;
}

unsigned int any_page(struct fuzz_vcpu *v)
{
    return (unsigned int)below(v, NR_PAGES);
}

static unsigned int page_with_role(struct fuzz_vcpu *v, unsigned int role)
{
    unsigned int page = any_page(v);

    while (role_of(page) != role)
        page = (page + 1) % NR_PAGES;
    return page;
}

uint64_t any_mfn(struct fuzz_vcpu *v)
{
    switch (below(v, 40)) {
    case 0:
        return va_to_mfn((void *)start_info->pt_base);
    case 1:
        return start_info->shared_info >> 12;
    case 2: /* somebody's, perhaps ours */
        return below(v, 0x100000);
    case 3: /* what the tables that we run on are made of */
        return PTE_MFN(
            ((uint64_t *)start_info->pt_base)[one_in(v, 2) ? 511 : 257]);
    case 4:
        return one_in(v, 2) ? fuzz_random(v) >> 24 : PTE_MFN(~0ul);
    default:
        return arena_mfn[any_page(v)];
    }
}

/* What a table of `level` might hold. */
uint64_t any_pte(struct fuzz_vcpu *v, unsigned int level)
{
    uint64_t flags = PTE_P | PTE_US | PTE_A | PTE_D, mfn;

    if (one_in(v, 8))
        return 0;
    if (level > 1 && !one_in(v, 8))
        mfn = arena_mfn[page_with_role(v, level - 1)];
    else
        mfn = any_mfn(v);
    if (level > 1 || one_in(v, 2))
        flags |= PTE_RW;
    if (one_in(v, 16))
        flags ^= 1ul << below(v, 12);
    if (one_in(v, 64))
        flags ^= 1ul << below(v, 64);
    return pte_make(mfn, 0) | flags;
}

uint64_t any_address(struct fuzz_vcpu *v)
{
    static const uint64_t edges[] = {
        0,
        PAGE_SIZE - 4,
        0x7ffffffff000,
        0x7ffffffffff8,
        0x800000000000,
        0xffff7ffffffffff8,
        0xffff800000000000,
        0xffff810000000000,
        0xffff818030000000,
        0xffff840000000000,
        0xffff87fffffffff8,
        0xffff880000000000,
        ~0ul - 7,
        USER_CODE,
        USER_DATA,
    };

    if (one_in(v, 4))
        return edges[below(v, ARRAY_SIZE(edges))] + below(v, 2) * 4;
    return (uint64_t)arena[any_page(v)] + below(v, PAGE_SIZE) / 8 * 8;
}

uint64_t any_number(struct fuzz_vcpu *v)
{
    switch (below(v, 8)) {
    case 0:
        return 1ul << below(v, 64);
    case 1:
        return ~0ul >> below(v, 64);
    case 2:
        return fuzz_random(v);
    case 3:
        return any_mfn(v);
    case 4:
        return any_address(v);
    default:
        return below(v, 16);
    }
}

void *any_pointer(struct fuzz_vcpu *v)
{
    uint64_t *word = (uint64_t *)v->scratch;
    unsigned int i;

    if (one_in(v, 8))
        return (void *)any_address(v);
    for (i = 0; i < 16; i++)
        word[i] = any_number(v);
    return word;
}
