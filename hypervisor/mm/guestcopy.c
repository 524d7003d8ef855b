#include "mm/guestcopy.h"

#include "cpu/extable.h"

bool guest_range_ok(const void *guest, size_t n)
{
    uintptr_t start = (uintptr_t)guest, end;

    if (__builtin_add_overflow(start, n, &end))
        return false;
    return end <= GUEST_LOW_END || start >= HOST_VA_END;
}

/* One load or store that may fault; rc becomes -EFAULT when it does. */
#define GUEST_MOV(insn, operands...)                                           \
    __asm__ volatile("1: " insn "\n"                                           \
                     "xor %k0, %k0\n"                                          \
                     "2:\n" _ASM_EXTABLE("1b", "2b")                           \
                     : operands)

static int load_u32(void *dst, uintptr_t guest)
{
    int rc = -EFAULT;
    uint32_t v = 0;

    GUEST_MOV("mov (%2), %1", "+r"(rc), "+r"(v) : "r"(guest) : "memory");
    if (!rc)
        memcpy(dst, &v, sizeof(v));
    return rc;
}

static int load_u64(void *dst, uintptr_t guest)
{
    int rc = -EFAULT;
    uint64_t v = 0;

    GUEST_MOV("mov (%2), %1", "+r"(rc), "+r"(v) : "r"(guest) : "memory");
    if (!rc)
        memcpy(dst, &v, sizeof(v));
    return rc;
}

static int store_u32(uintptr_t guest, const void *src)
{
    int rc = -EFAULT;
    uint32_t v;

    memcpy(&v, src, sizeof(v));
    GUEST_MOV("mov %1, (%2)", "+r"(rc) : "r"(v), "r"(guest) : "memory");
    return rc;
}

static int store_u64(uintptr_t guest, const void *src)
{
    int rc = -EFAULT;
    uint64_t v;

    memcpy(&v, src, sizeof(v));
    GUEST_MOV("mov %1, (%2)", "+r"(rc) : "r"(v), "r"(guest) : "memory");
    return rc;
}

/* Words, then the odd bytes; stops at the first fault. */
static int copy_string(uintptr_t dst, uintptr_t src, size_t n)
{
    size_t count = n / 8;
    int rc = -EFAULT;

    __asm__ volatile("1: rep movsq\n"
                     "mov %4, %3\n"
                     "2: rep movsb\n"
                     "xor %0, %0\n"
                     "3:\n" _ASM_EXTABLE("1b", "3b") _ASM_EXTABLE("2b", "3b")
                     : "+r"(rc), "+D"(dst), "+S"(src), "+c"(count)
                     : "r"(n & 7)
                     : "memory");
    return rc;
}

int copy_from_guest(void *dst, const void *guest, size_t n)
{
    uintptr_t from;
    int rc;

    if (!guest_addr(guest, n, &from))
        return -EFAULT;
    switch (n) {
    case 4:
        return load_u32(dst, from);
    case 8:
        return load_u64(dst, from);
    case 16:
        rc = load_u64(dst, from);
        return rc ? rc : load_u64((char *)dst + 8, from + 8);
    default:
        return copy_string((uintptr_t)dst, from, n);
    }
}

int copy_to_guest(void *guest, const void *src, size_t n)
{
    uintptr_t to;
    int rc;

    if (!guest_addr(guest, n, &to))
        return -EFAULT;
    switch (n) {
    case 4:
        return store_u32(to, src);
    case 8:
        return store_u64(to, src);
    case 16:
        rc = store_u64(to, src);
        return rc ? rc : store_u64(to + 8, (const char *)src + 8);
    default:
        return copy_string(to, (uintptr_t)src, n);
    }
}

int clear_guest(void *guest, size_t n)
{
    size_t count = n / 8;
    int rc = -EFAULT;
    uintptr_t to;

    if (!guest_addr(guest, n, &to))
        return -EFAULT;
    __asm__ volatile("1: rep stosq\n"
                     "mov %4, %2\n"
                     "2: rep stosb\n"
                     "xor %k0, %k0\n"
                     "3:\n" _ASM_EXTABLE("1b", "3b") _ASM_EXTABLE("2b", "3b")
                     : "+r"(rc), "+D"(to), "+c"(count)
                     : "a"(0ul), "r"(n & 7)
                     : "memory");
    return rc;
}

/* Byte offset and length of elements [i, i + nr); false on overflow. */
static bool array_slice(const void *base, uint64_t i, uint64_t nr, size_t size,
                        uintptr_t *start, size_t *len)
{
    uint64_t offset;

    return !__builtin_mul_overflow(i, size, &offset) &&
           !__builtin_mul_overflow(nr, size, len) &&
           !__builtin_add_overflow((uintptr_t)base, offset, start);
}

int copy_array_from(void *dst, const void *guest, uint64_t i, uint64_t nr,
                    size_t size)
{
    uintptr_t start;
    size_t len;

    if (!array_slice(guest, i, nr, size, &start, &len))
        return -EFAULT;
    return copy_from_guest(dst, (const void *)start, len);
}

int copy_array_to(void *guest, uint64_t i, const void *src, uint64_t nr,
                  size_t size)
{
    uintptr_t start;
    size_t len;

    if (!array_slice(guest, i, nr, size, &start, &len))
        return -EFAULT;
    return copy_to_guest((void *)start, src, len);
}
