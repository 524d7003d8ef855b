/*
 * The only door to guest memory by guest address, with guestword.h for what
 * must be quick. Works on the address space
 * of the running vCPU in virtual kernel mode; a bad address, a hole or the
 * hypervisor's range gives -EFAULT and copies nothing past the fault.
 */
#ifndef MM_GUESTCOPY_H
#define MM_GUESTCOPY_H

#include "lib/lib.h"
#include "mm/layout.h"

int MUST_CHECK copy_from_guest(void *dst, const void *guest, size_t n);
int MUST_CHECK copy_to_guest(void *guest, const void *src, size_t n);
/* Zero guest memory. */
int MUST_CHECK clear_guest(void *guest, size_t n);

/* Element i of a guest array (an XEN_GUEST_HANDLE's .p); checks overflow. */
#define copy_array_from_guest(dst, handle, i, nr)                              \
    copy_array_from((dst), (handle).p, (i), (nr), sizeof(*(handle).p))
#define copy_array_to_guest(handle, i, src, nr)                                \
    copy_array_to((handle).p, (i), (src), (nr), sizeof(*(handle).p))
int MUST_CHECK copy_array_from(void *dst, const void *guest, uint64_t i,
                               uint64_t nr, size_t size);
int MUST_CHECK copy_array_to(void *guest, uint64_t i, const void *src,
                             uint64_t nr, size_t size);
/* The range lies outside the hypervisor's, canonical, and does not wrap. */
bool guest_range_ok(const void *guest, size_t n);

/* Pages below and above our range are the guest's: see layout.h. */
#define GUEST_LOW_END 0x0000800000000000ul

/*
 * All ones, or 0 when [start, start + n) reaches our range, by arithmetic that
 * a CPU cannot speculate past, nor a compiler turn into a branch.
 */
static inline uintptr_t guest_mask(uintptr_t start, size_t n)
{
    return nospec_below(start + n, GUEST_LOW_END + 1) |
           nospec_below(HOST_VA_END - 1, start);
}

/* The address to use: `guest`, or 0 and false when the range is refused. */
static inline bool guest_addr(const void *guest, size_t n, uintptr_t *addr)
{
    uintptr_t start = (uintptr_t)guest, mask = guest_mask(start, n), end;

    *addr = start & mask;
    return mask && !__builtin_add_overflow(start, n, &end);
}

#endif
