/* A user-mode address space: four pages under one L4 of its own. */
#include "internal.h"

uint64_t *user_l4;
uint8_t *user_code_page, *user_data_page;
uint64_t *user_l1;

static unsigned int slot(uint64_t va, int level)
{
    return (va >> (12 + 9 * (level - 1))) & 511;
}

void user_init(void)
{
    uint64_t *l3, *l2, *l1;
    unsigned int i = slot(USER_CODE, 1);

    if (user_l4)
        return;
    user_l4 = page_alloc();
    l3 = page_alloc();
    l2 = page_alloc();
    l1 = user_l1 = page_alloc();
    user_code_page = page_alloc();
    user_data_page = page_alloc();
    user_l4[slot(USER_CODE, 4)] = pte_make(va_to_mfn(l3), PTE_TABLE);
    l3[slot(USER_CODE, 3)] = pte_make(va_to_mfn(l2), PTE_TABLE);
    l2[slot(USER_CODE, 2)] = pte_make(va_to_mfn(l1), PTE_TABLE);
    l1[i] = pte_make(va_to_mfn(user_code_page), PTE_RO_PAGE);
    l1[i + 1] = pte_make(va_to_mfn(page_alloc()), PTE_RW_PAGE);
    l1[i + 2] = pte_make(va_to_mfn(user_data_page), PTE_RW_PAGE);
    /* Its own L1, read-only: user mode stores to it must not be emulated. */
    l1[i + 3] = pte_make(va_to_mfn(l1), PTE_RO_PAGE);
    map_ro(user_l4);
    map_ro(l3);
    map_ro(l2);
    map_ro(l1);
    if (pin_level(4, va_to_mfn(user_l4)) ||
        mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(user_l4)) ||
        mmu_update_one(
            entry_addr((uint64_t *)start_info->pt_base, slot(USER_CODE, 4)),
            pte_make(va_to_mfn(l3), PTE_TABLE))) {
        verdict_died("no user address space");
        guest_shutdown(SHUTDOWN_crash);
    }
}

void user_enter(uint64_t rip, uint64_t rflags, uint64_t cs, uint64_t ss)
{
    struct iret_frame frame = {
        .rax = 0x1111,
        .r11 = 0x2222,
        .rcx = 0x3333,
        .rip = rip,
        .cs = cs,
        .rflags = rflags,
        .rsp = USER_STACK + PAGE_SIZE,
        .ss = ss,
    };

    if (!trap_try())
        iret_raw(&frame);
    /* User mode ran with events unmasked; the tests' kernel does not. */
    this_vcpu_info()->evtchn_upcall_mask = 1;
}

void user_run(const char *from, const char *to)
{
    user_init();
    memcpy(user_code_page, from, (size_t)(to - from));
    user_enter(USER_CODE, 0x202, FLAT_USER_CS, FLAT_USER_SS);
}
