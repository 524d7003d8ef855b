/* ELF images of PV kernels for tests, made to order. */
#ifndef TESTS_UNIT_DOM0_KERNELS_H
#define TESTS_UNIT_DOM0_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* What a kernel's loaded bytes are, all of them. */
extern uint8_t test_kernel_byte;
/* Its GUEST_OS note. */
extern const char *test_kernel_os;

struct test_kernel {
    uint64_t virt_base, paddr, entry;
    uint64_t paddr_offset; /* 0: no such note */
    uint64_t file_size, mem_size;
    uint64_t p2m_base, hypercall_page; /* 0: no such note */
    int mod_start_pfn;
    const char *features; /* NULL: no such note */
};

extern const struct test_kernel test_kernel_linux; /* as Linux asks today */
extern const struct test_kernel test_kernel_old;   /* as it did before */
extern const struct test_kernel test_kernel_low;   /* mapped from 0 on */
/* Linked without physical addresses, as small kernels are. */
extern const struct test_kernel test_kernel_offset;

/* malloc()ed. */
uint8_t *test_kernel_make(const struct test_kernel *k, size_t *size);

#endif
