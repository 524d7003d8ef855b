/* Two vCPUs at once, and the pages they are at. */
#include "races.h"

/* ---- the second vCPU ---- */

void (*volatile other_does)(void);
volatile uint64_t other_turns;
volatile unsigned int other_faults;
static volatile uint64_t other_fixup;

static void other_main(void *unused)
{
    (void)unused;
    for (;;) {
        void (*fn)(void) = other_does;

        if (fn)
            fn();
        other_turns++;
    }
}

static bool other_trapped(struct regs *regs)
{
    if ((uint64_t)regs - (uint64_t)smp_stack >= STACK_SIZE)
        return false;
    if (regs->vector == VEC_EVENT || regs->vector == 2) {
        shared->vcpu_info[1].evtchn_upcall_pending = 0;
        return true;
    }
    other_faults++;
    regs->rip = other_fixup;
    return true;
}

/* A store that may fault, on the second vCPU. */
void other_store(volatile uint64_t *p, uint64_t value)
{
    __asm__ volatile("lea 1f(%%rip), %%rax\n"
                     "mov %%rax, %0\n"
                     "mov %2, (%1)\n"
                     "1:"
                     : "=m"(other_fixup)
                     : "r"(p), "r"(value)
                     : "rax", "memory");
}

void other_begins(void (*fn)(void))
{
    uint64_t turns;

    other_does = fn;
    turns = other_turns;
    while (other_turns - turns < 2)
        hc_sched_op(SCHEDOP_yield, NULL);
}

void other_ends(void)
{
    other_begins(NULL);
}

/* We do `mine` while the other one does `theirs`. */
void race(void (*mine)(void), void (*theirs)(void))
{
    unsigned int i;

    other_begins(theirs);
    for (i = 0; i < ROUNDS; i++)
        mine();
    other_ends();
}

/* ---- what both work on ---- */

uint64_t *page, *page2, *table;
volatile unsigned int wins;

void pages_ready(void)
{
    if (!page) {
        EXPECT_OK(smp_start(1, other_main, NULL));
        trap_hook = other_trapped;
    }
    page = page_alloc();
    page2 = page_alloc();
    table = page_alloc();
    wins = 0;
}

/* Nothing holds it: all that a frame can be, one after the other. */
void expect_free_page(uint64_t *p)
{
    unpin(va_to_mfn(p));
    EXPECT_OK(map_rw(p));
    EXPECT(!TRAPS(memset(p, 0, PAGE_SIZE)));
    EXPECT_OK(map_ro(p));
    EXPECT_OK(pin_level(1, va_to_mfn(p)));
    EXPECT_REFUSED(map_rw(p));
    EXPECT_OK(unpin(va_to_mfn(p)));
    EXPECT_OK(pin_level(2, va_to_mfn(p)));
    EXPECT_OK(unpin(va_to_mfn(p)));
    EXPECT_OK(map_rw(p));
    page_free(p);
}

void pages_done(void)
{
    expect_free_page(page);
    expect_free_page(page2);
    expect_free_page(table);
}

grant_entry_v1_t *grants;
uint16_t self;

void grants_ready(void)
{
    static uint64_t frames[1];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    int port = ev_alloc_unbound(DOMID_SELF);
    struct evtchn_status status;

    pages_ready();
    if (grants)
        return;
    set_xen_guest_handle(op.frame_list, frames);
    EXPECT_OK(hc_grant_table_op(GNTTABOP_setup_table, &op, 1));
    grants = page_alloc();
    EXPECT_OK(va_map(grants, pte_make(frames[0], PTE_RW_PAGE)));
    EXPECT_OK(ev_status((evtchn_port_t)port, &status));
    self = status.u.unbound.dom;
}
