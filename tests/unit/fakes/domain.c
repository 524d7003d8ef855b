#include "fake.h"

#include "hypercall/hypercall.h"

#include <stdlib.h>

static struct domain *all[64];
struct domain *dom0;

struct domain *fake_domain_new(domid_t id, unsigned nr_vcpus,
                               const struct domain_part *part)
{
    struct domain *d = calloc(1, sizeof(*d));

    d->id = id;
    d->refs = 1;
    d->privileged = d->hardware = id == 0;
    d->max_vcpus = nr_vcpus;
    d->max_evtchn_port = ~0u;
    d->max_grant_frames = 4;
    d->max_maptrack_frames = 1;
    d->shared = fake_page_get();
    if (id == 0)
        dom0 = d;
    for (unsigned i = 0; i < nr_vcpus; i++) {
        struct vcpu *v = calloc(1, sizeof(*v));

        v->id = i;
        v->domain = d;
        v->info = &d->shared->vcpu_info[i];
        v->up = v->initialised = true;
        d->vcpu[i] = v;
    }
    all[id] = d;
    if (part)
        assert_int_equal(part->init(d), 0);
    return d;
}

void fake_domain_free(struct domain *d, const struct domain_part *part)
{
    if (part)
        assert_int_equal(part->kill(d), 0);
    assert_int_equal(d->refs, 1);
    vcpu_for_each (d, v) {
        if (part && part->vcpu_free)
            part->vcpu_free(v);
        free(v);
    }
    if (part)
        part->free(d);
    fake_page_put(d->shared);
    all[d->id] = NULL;
    if (d == dom0)
        dom0 = NULL;
    free(d);
}

void fake_run(struct domain *d, unsigned vcpu)
{
    fake_current = d->vcpu[vcpu];
}

struct domain *domain_ref(struct domain *d)
{
    d->refs++;
    return d;
}

struct domain *domain_get(domid_t id)
{
    return id < ARRAY_SIZE(all) && all[id] ? domain_ref(all[id]) : NULL;
}

struct domain *domain_get_self_or(domid_t id)
{
    return domain_get(id == DOMID_SELF ? current->domain->id : id);
}

void domain_put(struct domain *d)
{
    assert_true(d->refs > 1);
    d->refs--;
}

bool policy_is_privileged(const struct domain *d)
{
    return d->privileged;
}
