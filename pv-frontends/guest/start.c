#include "pv-frontends/guest/guest.h"

#include "pv-frontends/core/consfront.h"
#include "pv-frontends/core/gnt.h"
#include "pv-frontends/core/store.h"
#include "pv-frontends/guest/program.h"

struct start_info *start_info;
extern uint64_t boot_stack_end;
static struct shared_info *shared;

/* ---- the shim's -------------------------------------------------------------
 */

int64_t shim_hypercall(unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                       uint64_t a4)
{
    register uint64_t r10 __asm__("r10") = a4;
    int64_t ret;

    __asm__ volatile("syscall"
                     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                     : "0"((uint64_t)nr)
                     : "rcx", "r8", "r11", "memory");
    return ret;
}

struct shared_info *shim_shared_info(void)
{
    return shared;
}

void shim_boot_info(struct shim_boot *boot)
{
    *boot = (struct shim_boot){0};
    if (start_info->store_mfn)
        boot->store = pfn_to_va(mfn_to_pfn(start_info->store_mfn));
    boot->store_port = start_info->store_evtchn;
    if (start_info->console.domU.mfn)
        boot->console = pfn_to_va(mfn_to_pfn(start_info->console.domU.mfn));
    boot->console_port = start_info->console.domU.evtchn;
}

static volatile char lock;

unsigned long shim_lock(void)
{
    uint8_t *mask, saved = 1;

    if (shared) {
        mask = &vcpu_info(vcpu_self())->evtchn_upcall_mask;
        saved = __atomic_exchange_n(mask, 1, __ATOMIC_SEQ_CST);
    }
    while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    return saved;
}

void shim_unlock(unsigned long saved)
{
    __atomic_clear(&lock, __ATOMIC_RELEASE);
    if (saved || !shared)
        return;
    vcpu_info(vcpu_self())->evtchn_upcall_mask = 0;
    barrier();
    /* What came in meanwhile is delivered on the way out of any hypercall. */
    if (vcpu_info(vcpu_self())->evtchn_upcall_pending)
        (void)shim_hypercall(__HYPERVISOR_xen_version, 0, 0, 0, 0);
}

void shim_log(const char *line)
{
    print("%s\n", line);
}

/* ---- from the first instruction to the program
 * --------------------------------
 */

void guest_shutdown(unsigned int reason)
{
    struct sched_shutdown op = {.reason = reason};

    (void)cons_drain(5000000000);
    for (;;)
        (void)shim_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown,
                             (uint64_t)&op, 0, 0);
}

/* Where our own page would be: the hypervisor's takes its place. */
static uint8_t shared_page[PAGE_SIZE] __attribute__((aligned(4096)));

void guest_map_shared_info(bool there)
{
    uint64_t pte = there ? start_info->shared_info | 0x67 : 0;

    shared = NULL;
    (void)shim_hypercall(__HYPERVISOR_update_va_mapping, (uint64_t)shared_page,
                         pte, UVMF_INVLPG, 0);
    if (there)
        shared = (struct shared_info *)shared_page;
}

void guest_start(struct start_info *si)
{
    int rc;

    start_info = si;
    guest_map_shared_info(true);
    trap_init();
    /* Memory first: the console's page is found by the p2m and M2P. */
    rc = memory_init(boot_stack_end);
    (void)cons_init();
    time_init();
    print("TINY begins after %lu us of its time, %lu KiB, %lu free\n",
          time_running_ns() / 1000, start_info->nr_pages * 4,
          memory_pages_free() * 4);
    if (!rc)
        rc = gnt_init(16);
    if (rc) {
        print("TINY failed: no memory or no grants, error %d\n", rc);
        guest_shutdown(SHUTDOWN_crash);
    }
    program_run();
    guest_shutdown(SHUTDOWN_poweroff);
}
