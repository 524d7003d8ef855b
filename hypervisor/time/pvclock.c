#include "time/clock.h"

#include "cpu/cpu.h"
#include "domain/domain.h"
#include "time/internal.h"

/* Writers of one area at a time: any CPU may update any domain's. */
static struct spinlock pvclock_lock = SPINLOCK_INIT;

/* The readers' order on x86: a compiler barrier, stores stay in order. */
static void barrier(void)
{
    __asm__ volatile("" ::: "memory");
}

/*
 * One pair for every vCPU, valid for ever: system time 0 and the TSC of then.
 * With one TSC for all CPUs, no two vCPUs can disagree by a nanosecond. Else
 * the pair is the running CPU's, and the stable flag stays off.
 */
static struct vcpu_time_info current_time(uint32_t version)
{
    struct vcpu_time_info t = {.version = version};

    clock_tsc_scale(&t.tsc_to_system_mul, &t.tsc_shift);
    t.tsc_timestamp = clock_tsc_base();
    t.flags = tsc_synchronised ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
    return t;
}

/* Copy into v's registered area at `pos`; it may lie across two frames. */
static void area_write(struct vcpu *v, size_t pos, const void *src, size_t n)
{
    const char *from = src;

    while (n) {
        size_t offset = v->time_offset + pos;
        struct frame *f = v->time_frame[offset >> PAGE_SHIFT];
        size_t piece = MIN(n, PAGE_SIZE - (offset & ~PAGE_MASK));

        if (!f)
            return;
        memcpy((char *)frame_virt(f) + (offset & ~PAGE_MASK), from, piece);
        from += piece;
        pos += piece;
        n -= piece;
    }
}

/* Odd version, body, even version. */
static void area_update(struct vcpu *v, const struct vcpu_time_info *t)
{
    uint32_t odd = t->version - 1;

    area_write(v, 0, &odd, sizeof(odd));
    barrier();
    area_write(v, sizeof(odd), &t->pad0, sizeof(*t) - sizeof(odd));
    barrier();
    area_write(v, 0, &t->version, sizeof(t->version));
}

static bool same_time(const struct vcpu_time_info *a,
                      const struct vcpu_time_info *b)
{
    return a->tsc_timestamp == b->tsc_timestamp &&
           a->system_time == b->system_time &&
           a->tsc_to_system_mul == b->tsc_to_system_mul &&
           a->tsc_shift == b->tsc_shift && a->flags == b->flags;
}

void pvclock_update_vcpu(struct vcpu *v)
{
    struct vcpu_time_info *info = &v->info->time, t;

    spin_lock(&pvclock_lock);
    t = current_time((READ_ONCE(info->version) | 1) + 1);
    /* Usually nothing has changed since v last ran. */
    if (!same_time(info, &t) || info->version & 1) {
        WRITE_ONCE(info->version, t.version - 1);
        barrier();
        info->tsc_timestamp = t.tsc_timestamp;
        info->system_time = t.system_time;
        info->tsc_to_system_mul = t.tsc_to_system_mul;
        info->tsc_shift = t.tsc_shift;
        info->flags = t.flags;
        barrier();
        WRITE_ONCE(info->version, t.version);
    }
    if (v->time_frame[0])
        area_update(v, &t);
    spin_unlock(&pvclock_lock);
}

void pvclock_update_wallclock(struct domain *d)
{
    struct shared_info *s = d->shared;
    uint64_t base_ns, sec;
    uint32_t version;

    if (!s)
        return;
    base_ns = wallclock_base_ns();
    sec = base_ns / NS_PER_SEC + (uint64_t)d->time_offset_s;
    spin_lock(&pvclock_lock);
    version = READ_ONCE(s->wc_version) | 1;
    WRITE_ONCE(s->wc_version, version);
    barrier();
    s->wc_sec = (uint32_t)sec;
    s->wc_sec_hi = (uint32_t)(sec >> 32);
    s->wc_nsec = (uint32_t)(base_ns % NS_PER_SEC);
    barrier();
    WRITE_ONCE(s->wc_version, version + 1);
    spin_unlock(&pvclock_lock);
}

void pvclock_vcpu_runs(struct vcpu *v)
{
    /*
     * A domain builder clears the shared page after the vCPU was made, so the
     * times are written when it first runs. Later they stay right unless the
     * CPUs' counters differ.
     */
    if (unlikely(!READ_ONCE(v->info->time.version)) || !tsc_synchronised)
        pvclock_update_vcpu(v);
    if (unlikely(!READ_ONCE(v->domain->shared->wc_version)))
        pvclock_update_wallclock(v->domain);
}
