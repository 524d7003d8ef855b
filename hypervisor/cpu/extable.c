#include "cpu/extable.h"

#include "cpu/trap.h"

struct extable_entry {
    int32_t from, to; /* each relative to its own address */
};

/* The linker script puts these around the section. */
extern const struct extable_entry __ex_table_start[], __ex_table_end[];

uintptr_t extable_lookup(uintptr_t rip)
{
    const struct extable_entry *e;

    /* Some dozens of entries, and a fault is rare: a plain walk will do. */
    for (e = __ex_table_start; e < __ex_table_end; e++)
        if ((uintptr_t)&e->from + (intptr_t)e->from == rip)
            return (uintptr_t)&e->to + (intptr_t)e->to;
    return 0;
}

int rdmsr_safe(uint32_t msr, uint64_t *v)
{
    uint32_t lo = 0, hi = 0;
    int rc = -EFAULT;

    __asm__ volatile("1: rdmsr\n"
                     "xor %0, %0\n"
                     "2:\n" _ASM_EXTABLE("1b", "2b")
                     : "+r"(rc), "+a"(lo), "+d"(hi)
                     : "c"(msr));
    *v = (uint64_t)hi << 32 | lo;
    return rc;
}

int wrmsr_safe(uint32_t msr, uint64_t v)
{
    int rc = -EFAULT;

    __asm__ volatile("1: wrmsr\n"
                     "xor %0, %0\n"
                     "2:\n" _ASM_EXTABLE("1b", "2b")
                     : "+r"(rc)
                     : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
                     : "memory");
    return rc;
}
