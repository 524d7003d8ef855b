#include "domain/debug-keys.h"

#include "cpu/latency.h"
#include "domain/domain.h"
#include "evtchn/evtchn.h"
#include "grant/gnttab.h"
#include "mm/alloc.h"
#include "mm/check.h"

/* What a leak would change: exact counts, where the listings round. */
static void resources_dump(void)
{
    log_info("resources: %lu free frames, dom0 uses %u event channels and %u "
             "grant mappings\n",
             alloc_nr_free(), evtchn_count_used(dom0), gnttab_nr_maps(dom0));
}

static void frames_dump(void)
{
    if (frames_check(true) > 0)
        ASSERT(!"invariants of the frame table");
}

static void for_each_domain(void (*fn)(struct domain *d))
{
    struct domain *d;

    for (unsigned id = 0; id < DOMID_FIRST_RESERVED; id = d->id + 1u) {
        d = domain_get_from((domid_t)id);
        if (!d)
            return;
        fn(d);
        domain_put(d);
    }
}

static void events_dump(void)
{
    for_each_domain(evtchn_dump);
}

static void grants_dump(void)
{
    for_each_domain(gnttab_dump);
}

static const struct key {
    char key;
    void (*fn)(void);
    const char *what;
} keys[] = {
    {'a', timer_dump, "timers"},
    {'e', events_dump, "event channels"},
    {'g', grants_dump, "grants"},
    {'i', frames_dump, "check the frame table"},
    {'l', latency_dump, "worst times in the hypervisor, then measure anew"},
    {'m', resources_dump, "free memory and what dom0 holds"},
    {'q', domain_dump_all, "domains and vCPUs"},
};

void debug_key(char key)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == key) {
            keys[i].fn();
            return;
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        log_info("debug key %c: %s\n", keys[i].key, keys[i].what);
}

static struct timer later;
static char pressed;

static void run_pressed(void *unused)
{
    (void)unused;
    debug_key(pressed);
}

void debug_key_later(char key)
{
    pressed = key;
    if (!later.fn)
        timer_init(&later, run_pressed, NULL, cpu_id());
    timer_set(&later, 0);
}
