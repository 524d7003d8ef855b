/* The programs that need no device. */
#include "pv-frontends/guest/program.h"

#include "pv-frontends/core/balloon.h"
#include "pv-frontends/core/consfront.h"
#include "pv-frontends/core/control.h"
#include "pv-frontends/core/store.h"

int run_hello(void)
{
    print("TINY hello ok version=%lx vcpus=%u time=%lu\n",
          (uint64_t)shim_hypercall(__HYPERVISOR_xen_version, 0, 0, 0, 0),
          vcpu_count(), time_wall());
    return 0;
}

static void put_all(const char *s, size_t n)
{
    cons_write_all(s, n);
}

int run_console(void)
{
    char line[128];
    size_t len = 0;

    print("TINY console ready\n");
    for (;;) {
        size_t n = cons_read(line + len, sizeof(line) - len);

        put_all(line + len, n);
        len += n;
        if (len >= 4 && (!memcmp(line + len - 4, "end\n", 4) ||
                         !memcmp(line + len - 4, "end\r", 4)))
            break;
        if (len == sizeof(line) ||
            (len && (line[len - 1] == '\n' || line[len - 1] == '\r')))
            len = 0;
        if (!n)
            shim_wait(shim_now_ns() + 1000000000);
    }
    print("\nTINY console ok\n");
    return 0;
}

/* ---- all vCPUs
 * ----------------------------------------------------------------
 */

static volatile unsigned long turns;

static void count(void *arg)
{
    for (unsigned int i = 0; i < 100000; i++)
        __atomic_fetch_add(&turns, 1, __ATOMIC_SEQ_CST);
    (void)arg;
}

int run_smp(void)
{
    unsigned int nr = vcpu_count();

    for (unsigned int n = 1; n < nr; n++) {
        int rc = vcpu_run(n, count, NULL);

        if (rc)
            return program_fail("vCPU %u does not start, error %d", n, rc);
    }
    count(NULL);
    for (unsigned int n = 1; n < nr; n++)
        while (!vcpu_is_done(n))
            time_sleep(1000000);
    if (turns != nr * 100000ul)
        return program_fail("%lu turns of %u vCPUs", turns, nr);
    print("TINY smp ok vcpus=%u\n", nr);
    return 0;
}

/* ---- the balloon, and what the toolstack asks
 * ---------------------------------
 */

static enum control_request asked;

static void on_control(void *arg, enum control_request request)
{
    (void)arg;
    asked = request;
}

int run_balloon(void)
{
    uint64_t last = 0;

    if (program_store())
        return -1;
    if (control_init(on_control, NULL) ||
        balloon_init(start_info->nr_pages, 1024))
        return program_fail("no watches");
    print("TINY balloon ready\n");
    while (asked == CONTROL_NONE || asked == CONTROL_SUSPEND) {
        store_poll();
        if (asked == CONTROL_SUSPEND && guest_suspend(NULL))
            return -1;
        if (asked == CONTROL_SUSPEND)
            asked = CONTROL_NONE;
        if (balloon_step())
            continue;
        if (balloon_pages() != last)
            print("balloon at %lu KiB\n", balloon_pages() * 4);
        last = balloon_pages();
        shim_wait(shim_now_ns() + 1000000000);
    }
    print("TINY balloon ok asked=%u\n", asked);
    guest_shutdown(asked == CONTROL_REBOOT ? SHUTDOWN_reboot
                                           : SHUTDOWN_poweroff);
}
