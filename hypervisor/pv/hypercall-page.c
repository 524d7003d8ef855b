/* The page of call stubs for kernels that ask for one. */
#include "pv/pv.h"

#define STUB_SIZE 32

static const uint8_t stub[] = {
    0x51,                /* push %rcx */
    0x41, 0x53,          /* push %r11 */
    0xb8, 0,    0, 0, 0, /* mov $nr, %eax */
    0x0f, 0x05,          /* syscall */
    0x41, 0x5b,          /* pop %r11 */
    0x59,                /* pop %rcx */
    0xc3,                /* ret */
};
#define STUB_NR 4 /* offset of the number */

static const uint8_t iret_stub[] = {
    0x51,       /* push %rcx */
    0x41, 0x53, /* push %r11 */
    0x50,       /* push %rax */
    0xb8, __HYPERVISOR_iret,
    0,    0,
    0,          /* mov $23, %eax */
    0x0f, 0x05, /* syscall */
};

void pv_fill_hypercall_page(void *page)
{
    uint8_t *p = page;

    memset(p, 0xcc, PAGE_SIZE);
    for (unsigned nr = 0; nr < PAGE_SIZE / STUB_SIZE; nr++) {
        memcpy(p + nr * STUB_SIZE, stub, sizeof(stub));
        p[nr * STUB_SIZE + STUB_NR] = (uint8_t)nr;
    }
    memcpy(p + __HYPERVISOR_iret * STUB_SIZE, iret_stub, sizeof(iret_stub));
}
