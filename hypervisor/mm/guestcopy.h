/*
 * The only door to guest memory by guest address. Works on the address space
 * of the running vCPU in virtual kernel mode; a bad address, a hole or the
 * hypervisor's range gives -EFAULT and copies nothing past the fault.
 */
#ifndef MM_GUESTCOPY_H
#define MM_GUESTCOPY_H

#include "lib/lib.h"

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

/*
 * The address to use: `guest`, or 0 when the range is refused, by arithmetic
 * that a CPU cannot speculate past. False when it is.
 */
static inline bool guest_addr(const void *guest, size_t n, uintptr_t *addr)
{
    bool ok = guest_range_ok(guest, n);
    uintptr_t mask = 0 - (uintptr_t)ok;

    __asm__("" : "+r"(mask));
    *addr = (uintptr_t)guest & mask;
    return ok;
}

#endif
