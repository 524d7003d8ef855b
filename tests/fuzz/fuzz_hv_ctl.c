/*
 * domctl and sysctl with random structures, by dom0 and by a guest. The
 * pointers in them lead into a small buffer or nowhere; what a call asks for
 * may be refused, but nothing outside may be touched or stay allocated.
 * libs: -lcmocka
 */
#include "domain-world.h"

static uint8_t buffer[PAGE_SIZE] ALIGNED(16);
static const uint8_t *in, *in_end;
static struct domain *guest;

static uint8_t byte(void)
{
    return in < in_end ? *in++ : 0;
}

/* Words of small numbers, pointers and whatever the input says. */
static void fill(void *p, size_t n)
{
    uint64_t *word = p;

    memset(p, 0, n);
    for (size_t i = 0; i < n / 8 && in < in_end; i++) {
        uint8_t kind = byte();

        if (kind < 96)
            word[i] = kind % 24 | (uint64_t)(kind / 24) << 32;
        else if (kind < 160)
            word[i] = (uintptr_t)buffer + kind % 64 * 64;
        else
            memset(&word[i], byte(), kind & 7);
    }
}

static void domctl(void)
{
    struct xen_domctl *op = (struct xen_domctl *)buffer;
    struct hc_args a = {{(uintptr_t)op}};
    uint8_t cmd = byte(), id = byte();

    fill(&op->u, sizeof(op->u));
    op->cmd = cmd % 90u;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = id & 3 ? 40 : id;
    /* Ids run out of domains' numbers, not of this test's memory. */
    if (op->cmd == XEN_DOMCTL_createdomain)
        op->u.createdomain.max_vcpus %= 4;
    (void)hc_domctl(&a);
}

static void sysctl(void)
{
    struct xen_sysctl *op = (struct xen_sysctl *)buffer;
    struct hc_args a = {{(uintptr_t)op}};
    uint8_t cmd = byte();

    fill(&op->u, sizeof(op->u));
    op->cmd = cmd % 40u;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    (void)hc_sysctl(&a);
}

static void vcpu_op(void)
{
    struct hc_args a = {{byte() % 16u, byte() % 4u, (uintptr_t)buffer}};

    fill(buffer, 64);
    fake_current = guest->vcpu[byte() & 1];
    /* A domain's last vCPU that goes down ends the machine if it is dom0. */
    (void)hc_vcpu_op(&a);
    fake_current = dom0->vcpu[0];
}

static void end_all(void)
{
    struct domain *d;

    fake_current = &idle_vcpu;
    for (domid_t id = 1; (d = domain_get_from(id)); id = d->id + 1) {
        while (domain_kill(d) == -ERESTART)
            ;
        domain_put(d);
    }
    domain_put(guest);
    run_timers();
    d = dom0;
    dom0 = NULL;
    end_domain(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ops[])(void) = {domctl, domctl, domctl, sysctl,
                                        vcpu_op};

    in = data;
    in_end = data + size;
    test_setup(NULL);
    dom0 = new_domain(0, 1, true);
    dom0->vcpu[0]->up = dom0->vcpu[0]->initialised = true;
    guest = new_domain(40, 2, false);
    fake_current = dom0->vcpu[0];
    memset(armed, 0, sizeof(armed));
    window_start = (uintptr_t)buffer;
    window_size = sizeof(buffer);
    while (in < in_end)
        ops[byte() % ARRAY_SIZE(ops)]();
    end_all();
    test_teardown(NULL);
    return 0;
}
