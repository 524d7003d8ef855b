#include "domain/vcpu.h"

#include "domain/domain.h"
#include "domain/trace.h"
#include "evtchn/evtchn.h"
#include "mm/frametype.h"
#include "mm/guestcopy.h"
#include "time/clock.h"

#define RUNSTATE_TIME_AT offsetof(struct vcpu_runstate_info, state_entry_time)

static void singleshot_fired(void *arg)
{
    virq_raise(arg, VIRQ_TIMER);
}

static void periodic_fired(void *arg)
{
    struct vcpu *v = arg;
    uint64_t period_ns = READ_ONCE(v->period_ns);

    virq_raise(v, VIRQ_TIMER);
    if (period_ns)
        timer_set(&v->periodic, clock_now_ns() + period_ns);
}

static void poll_timed_out(void *arg)
{
    vcpu_wake(arg);
}

static int init_parts(struct vcpu *v)
{
    for (size_t i = 0; domain_parts[i]; i++) {
        const struct domain_part *part = domain_parts[i];
        int rc = part->vcpu_init ? part->vcpu_init(v->domain, v) : 0;

        if (!rc)
            continue;
        while (i--)
            if (domain_parts[i]->vcpu_free)
                domain_parts[i]->vcpu_free(v);
        return rc;
    }
    return 0;
}

/* A slot of shared_info while it lasts, a page of nobody's beyond. */
static int place_info(struct vcpu *v)
{
    if (v->id < XEN_LEGACY_MAX_VCPUS) {
        v->info = &v->domain->shared->vcpu_info[v->id];
        return 0;
    }
    v->info_dummy = mem_alloc(sizeof(*v->info_dummy));
    if (!v->info_dummy)
        return -ENOMEM;
    v->info_dummy->evtchn_upcall_mask = 1;
    v->info = v->info_dummy;
    return 0;
}

/* It starts with the pauses that its domain is under. */
static void publish(struct domain *d, struct vcpu *v)
{
    spin_lock(&d->lock);
    v->unit.pause_count = d->pause_count;
    if (d->shut_down) {
        v->paused_for_shutdown = true;
        v->unit.pause_count++;
    }
    __atomic_store_n(&d->vcpu[v->id], v, __ATOMIC_RELEASE);
    spin_unlock(&d->lock);
}

int vcpu_create(struct domain *d, unsigned id)
{
    struct vcpu *v;
    int rc;

    if (id >= d->max_vcpus)
        return -EINVAL;
    if (d->vcpu[id])
        return -EEXIST;

    v = mem_alloc(sizeof(*v));
    if (!v)
        return -ENOMEM;
    v->id = id;
    v->domain = d;
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = clock_now_ns();

    rc = place_info(v);
    if (rc)
        goto free;
    rc = init_parts(v);
    if (rc)
        goto free;

    sched_unit_init(v);
    timer_init(&v->singleshot, singleshot_fired, v, v->unit.cpu);
    timer_init(&v->periodic, periodic_fired, v, v->unit.cpu);
    timer_init(&v->poll_timer, poll_timed_out, v, v->unit.cpu);
    publish(d, v);
    return 0;

free:
    mem_free(v->info_dummy);
    mem_free(v);
    return rc;
}

void vcpu_free(struct vcpu *v)
{
    struct domain *d = v->domain;
    size_t n = 0;

    timer_kill(&v->singleshot);
    timer_kill(&v->periodic);
    timer_kill(&v->poll_timer);
    sched_unit_remove(v);
    d->vcpu[v->id] = NULL;

    while (domain_parts[n])
        n++;
    while (n--)
        if (domain_parts[n]->vcpu_free)
            domain_parts[n]->vcpu_free(v);
    mem_free(v->info_dummy);
    mem_free(v);
}

void vcpu_wake(struct vcpu *v)
{
    WRITE_ONCE(v->poll_port, 0);
    /* Before the scheduler looks: it decides by this flag. */
    __atomic_store_n(&v->unit.blocked, false, __ATOMIC_SEQ_CST);
    sched_wake(v);
}

void vcpu_kick(struct vcpu *v)
{
    /* Whoever made an event pending wrote it before; so either the vCPU that
       goes to sleep sees it, or we see that it sleeps. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (READ_ONCE(v->unit.blocked))
        vcpu_wake(v);
    else if (v != current && READ_ONCE(v->unit.running))
        cpu_kick(READ_ONCE(v->unit.cpu));
}

void vcpu_pause(struct vcpu *v)
{
    __atomic_fetch_add(&v->unit.pause_count, 1, __ATOMIC_SEQ_CST);
    sched_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v)
{
    if (!__atomic_sub_fetch(&v->unit.pause_count, 1, __ATOMIC_SEQ_CST))
        sched_wake(v);
}

void vcpu_stop_timers(struct vcpu *v)
{
    /* First, for a callback that is about to set it again. */
    WRITE_ONCE(v->period_ns, 0);
    timer_stop(&v->singleshot);
    timer_stop(&v->periodic);
    timer_stop(&v->poll_timer);
}

int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    int rc = pv_set_context(v, c);

    if (rc)
        return rc;

    v->initialised = true;
    v->up = c->flags & VGCF_online;
    if (v->up)
        vcpu_wake(v);
    return 0;
}

void vcpu_reset(struct vcpu *v)
{
    v->up = false;
    v->initialised = false;
    v->poll_port = 0;
    vcpu_stop_timers(v);
    pv_drop_context(v);
}

int vcpu_register_info(struct vcpu *v, mfn_t m, uint32_t offset)
{
    struct domain *d = v->domain;
    struct vcpu_info *info;
    int rc = -EINVAL;

    /* We set bits in it by 64-bit atomics. */
    if (offset > PAGE_SIZE - sizeof(*info) || offset % sizeof(uint64_t))
        return -EINVAL;
    if (!mfn_is_ram(m))
        return -EINVAL;

    spin_lock(&d->lock);
    /* Not one that might be using the old place at this moment. */
    if (v->info_frame || (v != current && v->up))
        goto unlock;
    if (frame_get_typed(m, d, FT_WRITABLE))
        goto unlock;

    info = (struct vcpu_info *)((char *)mfn_to_virt(m) + offset);
    memcpy(info, v->info, sizeof(*info));
    v->info_frame = frame_of(m);
    __atomic_store_n(&v->info, info, __ATOMIC_SEQ_CST);
    rc = 0;
unlock:
    spin_unlock(&d->lock);

    /* An event sent during the copy may have marked the old place only. */
    if (!rc)
        evtchn_vcpu_info_moved(v);
    return rc;
}

static void put_area(struct domain *d, struct frame *area[2])
{
    for (unsigned i = 0; i < 2; i++) {
        if (area[i])
            frame_put_typed(area[i], d);
        area[i] = NULL;
    }
}

/* The frame behind a guest address that the guest's kernel may write. */
static struct frame *get_writable(struct domain *d, uint64_t va)
{
    struct frame *f = NULL;
    uint64_t pte;
    unsigned idx;
    mfn_t l1;

    spin_lock(&d->mm_lock);
    if (pv_walk(current->pv.cr3_kernel, va, &pte, &l1, &idx) &&
        (pte & (PTE_P | PTE_RW)) == (PTE_P | PTE_RW) &&
        mfn_is_ram(pte_mfn(pte)) &&
        !frame_get_typed(pte_mfn(pte), d, FT_WRITABLE))
        f = frame_of(pte_mfn(pte));
    spin_unlock(&d->mm_lock);
    return f;
}

/* The one or two frames of an area; none for address 0. -EFAULT. */
static int get_area(struct domain *d, uint64_t va, size_t size,
                    struct frame *area[2])
{
    unsigned first = va % PAGE_SIZE;

    area[0] = area[1] = NULL;
    if (!va)
        return 0;
    if (!guest_range_ok((const void *)va, size))
        return -EFAULT;

    area[0] = get_writable(d, va);
    if (!area[0])
        return -EFAULT;
    if (first + size > PAGE_SIZE) {
        area[1] = get_writable(d, va + PAGE_SIZE - first);
        if (!area[1]) {
            put_area(d, area);
            return -EFAULT;
        }
    }
    return 0;
}

void vcpu_area_write(struct frame *const area[2], unsigned offset, unsigned at,
                     const void *src, size_t n)
{
    size_t start = offset + at;
    size_t in_first = start >= PAGE_SIZE ? 0 : MIN(n, PAGE_SIZE - start);

    if (in_first)
        memcpy((char *)frame_virt(area[0]) + start, src, in_first);
    if (n > in_first)
        memcpy((char *)frame_virt(area[1]) + (start + in_first - PAGE_SIZE),
               (const char *)src + in_first, n - in_first);
}

/*
 * With the runstate_update_flag assist the guest sees the top bit of
 * state_entry_time while we write, and tries again.
 */
static void write_runstate_locked(struct vcpu *v)
{
    bool flag = v->domain->vm_assist & (1u << VMASST_TYPE_runstate_update_flag);
    uint64_t entry = v->runstate.state_entry_time;
    struct vcpu_runstate_info rs = v->runstate;

    if (!v->runstate_frame[0])
        return;

    if (flag) {
        rs.state_entry_time |= XEN_RUNSTATE_UPDATE;
        vcpu_area_write(v->runstate_frame, v->runstate_offset, RUNSTATE_TIME_AT,
                        &rs.state_entry_time, sizeof(entry));
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    vcpu_area_write(v->runstate_frame, v->runstate_offset, 0, &rs, sizeof(rs));
    if (flag) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        vcpu_area_write(v->runstate_frame, v->runstate_offset, RUNSTATE_TIME_AT,
                        &entry, sizeof(entry));
    }
}

void vcpu_set_runstate(struct vcpu *v, int state, uint64_t now_ns)
{
    struct vcpu_runstate_info *rs = &v->runstate;

    spin_lock(&v->area_lock);
    if (tracing())
        trace_runstate(v, rs->state, state);
    if (now_ns > rs->state_entry_time)
        rs->time[rs->state] += now_ns - rs->state_entry_time;
    rs->state = state;
    rs->state_entry_time = now_ns;
    write_runstate_locked(v);
    spin_unlock(&v->area_lock);
}

void vcpu_get_runstate(struct vcpu *v, struct vcpu_runstate_info *rs)
{
    uint64_t now_ns;

    spin_lock(&v->area_lock);
    *rs = v->runstate;
    spin_unlock(&v->area_lock);

    now_ns = clock_now_ns();
    if (now_ns > rs->state_entry_time)
        rs->time[rs->state] += now_ns - rs->state_entry_time;
}

static void swap_area(struct frame *a[2], struct frame *b[2])
{
    for (unsigned i = 0; i < 2; i++) {
        struct frame *f = a[i];

        a[i] = b[i];
        b[i] = f;
    }
}

int vcpu_register_runstate(struct vcpu *v, uint64_t va)
{
    struct domain *d = v->domain;
    struct frame *area[2];
    int rc = get_area(d, va, sizeof(v->runstate), area);

    if (rc)
        return rc;

    /* v may run elsewhere and change state right now. */
    spin_lock(&v->area_lock);
    swap_area(v->runstate_frame, area);
    v->runstate_offset = va % PAGE_SIZE;
    write_runstate_locked(v);
    spin_unlock(&v->area_lock);
    put_area(d, area);
    return 0;
}

int vcpu_register_time(struct vcpu *v, uint64_t va)
{
    struct domain *d = v->domain;
    struct frame *area[2];
    int rc = get_area(d, va, sizeof(struct vcpu_time_info), area);

    if (rc)
        return rc;

    /* The CPU that runs v writes there; the domain's lock keeps it down. */
    spin_lock(&d->lock);
    if (v != current && (v->up || READ_ONCE(v->unit.running))) {
        rc = -EINVAL;
    } else {
        swap_area(v->time_frame, area);
        v->time_offset = va % PAGE_SIZE;
        /* Under the lock: another caller could let go of the place else. */
        if (va)
            pvclock_update_vcpu(v);
    }
    spin_unlock(&d->lock);
    put_area(d, area);
    return rc;
}

void vcpu_unregister_areas(struct vcpu *v)
{
    struct domain *d = v->domain;
    struct frame *info_frame = v->info_frame;

    put_area(d, v->runstate_frame);
    put_area(d, v->time_frame);
    if (!info_frame)
        return;
    /* Events may still be sent to it: a place that stays comes first. */
    if (v->id < XEN_LEGACY_MAX_VCPUS)
        v->info = &d->shared->vcpu_info[v->id];
    else
        v->info = v->info_dummy;
    v->info_frame = NULL;
    frame_put_typed(info_frame, d);
}
