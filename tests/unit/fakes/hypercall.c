/* Guest memory is host memory, but for the first page and what is above. */
#include "fake.h"

#include "hypercall/hypercall.h"
#include "mm/guestcopy.h"

bool fake_should_yield;

bool hypercall_should_yield(void)
{
    return fake_should_yield;
}

static bool bad(const void *p)
{
    return (uintptr_t)p < PAGE_SIZE || (intptr_t)p < 0;
}

int copy_from_guest(void *dst, const void *guest, size_t n)
{
    if (bad(guest))
        return -EFAULT;
    memcpy(dst, guest, n);
    return 0;
}

int copy_to_guest(void *guest, const void *src, size_t n)
{
    if (bad(guest))
        return -EFAULT;
    memcpy(guest, src, n);
    return 0;
}

int copy_array_from(void *dst, const void *guest, uint64_t i, uint64_t nr,
                    size_t size)
{
    return copy_from_guest(dst, (const char *)guest + i * size, nr * size);
}

int copy_array_to(void *guest, uint64_t i, const void *src, uint64_t nr,
                  size_t size)
{
    return copy_to_guest((char *)guest + i * size, src, nr * size);
}
