#include "domain/domain.h"

#include "evtchn/evtchn.h"
#include "mm/check.h"
#include "time/clock.h"

#include <xen/domctl.h>
#include <xen/sched.h>

#define HASH_SIZE 256 /* chains; ids are dense, so they stay short */

struct domain *dom0;
struct domain domain_xen = {.id = DOMID_XEN, .refs = 1};

/* Guards the list, the hash and the choice of an id. */
static struct spinlock list_lock;
static struct list domains = LIST_INIT(domains);
static struct domain *hash[HASH_SIZE];
static domid_t last_id;

/*
 * The last reference may go under any lock (a page-table entry of another
 * domain is dropped, say), so the struct is freed by a timer, with none held.
 */
static struct spinlock reap_lock;
static struct list reap_list = LIST_INIT(reap_list);
static struct timer reap_timer;
static bool reap_timer_ready;
#define REAP_PAUSE_NS (100 * NS_PER_US)

static struct domain *find(domid_t id)
{
    struct domain *d = hash[id % HASH_SIZE];

    while (d && d->id != id)
        d = d->hash_next;
    return d;
}

static void enlist(struct domain *d)
{
    struct list *pos = domains.next;

    while (pos != &domains && list_entry(pos, struct domain, all)->id < d->id)
        pos = pos->next;
    list_insert_before(pos, &d->all);
    d->hash_next = hash[d->id % HASH_SIZE];
    hash[d->id % HASH_SIZE] = d;
}

static void delist(struct domain *d)
{
    struct domain **p = &hash[d->id % HASH_SIZE];

    while (*p != d)
        p = &(*p)->hash_next;
    *p = d->hash_next;
    list_del(&d->all);
}

/* The next free id after the last one given, past the top from 1 again. */
static domid_t pick_id(void)
{
    unsigned id = last_id;

    for (unsigned tries = 1; tries < DOMID_FIRST_RESERVED; tries++) {
        id = id + 1 < DOMID_FIRST_RESERVED ? id + 1 : 1;
        if (!find((domid_t)id))
            return (domid_t)id;
    }
    return DOMID_INVALID;
}

/* Take an id and a place on the list; the others cannot see d yet, because
   refs is 0. */
static int reserve_id(struct domain *d, domid_t id)
{
    int rc = 0;

    spin_lock(&list_lock);
    if (id == DOMID_INVALID) {
        id = pick_id();
        if (id == DOMID_INVALID)
            rc = -ENOMEM;
        else
            last_id = id;
    } else if (id >= DOMID_FIRST_RESERVED) {
        rc = -EINVAL;
    } else if (find(id)) {
        rc = -EEXIST;
    }
    if (!rc) {
        d->id = id;
        enlist(d);
    }
    spin_unlock(&list_lock);
    return rc;
}

static void free_parts(struct domain *d, size_t nr_parts)
{
    while (nr_parts--)
        if (domain_parts[nr_parts]->free)
            domain_parts[nr_parts]->free(d);
}

static size_t nr_parts(void)
{
    size_t n = 0;

    while (domain_parts[n])
        n++;
    return n;
}

static int init_parts(struct domain *d)
{
    for (size_t i = 0; domain_parts[i]; i++) {
        int rc = domain_parts[i]->init ? domain_parts[i]->init(d) : 0;

        if (rc) {
            free_parts(d, i);
            return rc;
        }
    }
    return 0;
}

static int share_info(struct domain *d)
{
    d->shared = page_alloc();
    if (!d->shared)
        return -ENOMEM;

    /* A kernel takes events only after it has set up its callback. */
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        d->shared->vcpu_info[i].evtchn_upcall_mask = 1;
    frame_share(d->shared, d);
    return 0;
}

static void apply_config(struct domain *d, const struct domain_config *cfg)
{
    memcpy(d->handle, cfg->handle, sizeof(d->handle));
    d->privileged = cfg->privileged;
    d->create_flags = cfg->flags;
    d->ssidref = cfg->ssidref;
    d->max_vcpus = cfg->max_vcpus;
    d->max_evtchn_port = cfg->max_evtchn_port;
    d->max_grant_frames = (uint32_t)cfg->max_grant_frames;
    d->max_maptrack_frames = (uint32_t)cfg->max_maptrack_frames;
    d->grant_version = cfg->grant_opts & XEN_DOMCTL_GRANT_version_mask;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    d->sched_weight = SCHED_WEIGHT_DEFAULT;
    d->node_affinity = 1;
    d->page_list = d->dead_list = NO_LINK;
    d->created_ns = clock_now_ns();
    /* Paused until the toolstack has built it. */
    d->being_created = d->paused_by_tools = true;
    d->pause_count = d->nr_tool_pauses = 1;
    list_init(&d->all);
    list_init(&d->reap);
}

struct domain *domain_create(domid_t id, const struct domain_config *cfg,
                             int *rc)
{
    struct domain *d;

    *rc = -EINVAL;
    if (!cfg->max_vcpus || cfg->max_vcpus > MAX_VCPUS)
        return NULL;

    *rc = -ENOMEM;
    d = mem_alloc(sizeof(*d));
    if (!d)
        return NULL;
    apply_config(d, cfg);

    *rc = reserve_id(d, id);
    if (*rc)
        goto free;
    *rc = share_info(d);
    if (*rc)
        goto release_id;
    *rc = init_parts(d);
    if (*rc)
        goto unshare;

    pvclock_update_wallclock(d);
    /* From here lookups find it: one reference for its life, one for the
       caller. */
    __atomic_store_n(&d->refs, 2, __ATOMIC_RELEASE);
    return d;

unshare:
    frame_unshare_free(d->shared);
release_id:
    spin_lock(&list_lock);
    delist(d);
    spin_unlock(&list_lock);
free:
    mem_free(d);
    return NULL;
}

/* A reference, unless the last one is gone already. */
static bool get_live(struct domain *d)
{
    uint32_t refs = READ_ONCE(d->refs);

    while (refs)
        if (__atomic_compare_exchange_n(&d->refs, &refs, refs + 1, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

struct domain *domain_ref(struct domain *d)
{
    __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
    return d;
}

struct domain *domain_get(domid_t id)
{
    struct domain *d;

    if (id == current->domain->id)
        return domain_ref(current->domain);

    spin_lock(&list_lock);
    d = find(id);
    if (d && !get_live(d))
        d = NULL;
    spin_unlock(&list_lock);
    return d;
}

struct domain *domain_get_self_or(domid_t id)
{
    return domain_get(id == DOMID_SELF ? current->domain->id : id);
}

struct domain *domain_get_from(domid_t id)
{
    struct domain *found;

    spin_lock(&list_lock);
    /* Who walks the list asks for the next number: mostly it is there. */
    found = find(id);
    if (!found || !get_live(found)) {
        found = NULL;
        list_for_each (it, &domains) {
            struct domain *d = list_entry(it, struct domain, all);

            if (d->id >= id && get_live(d)) {
                found = d;
                break;
            }
        }
    }
    spin_unlock(&list_lock);
    return found;
}

static void destroy(struct domain *d)
{
    for (unsigned i = d->max_vcpus; i--;)
        if (d->vcpu[i])
            vcpu_free(d->vcpu[i]);
    free_parts(d, nr_parts());
    frame_unshare_free(d->shared);
    ASSERT(frames_all_gone(d));
    mem_free(d->ioports);
    mem_free(d->io_ranges);
    mem_free(d->e820);

    spin_lock(&list_lock);
    delist(d);
    spin_unlock(&list_lock);
    mem_free(d);
    /* xenstored and the toolstack see that the id is gone. */
    virq_raise_global(VIRQ_DOM_EXC);
}

static void reap(void *unused)
{
    struct list *it;
    bool more;

    (void)unused;
    spin_lock(&reap_lock);
    it = reap_list.next;
    if (it != &reap_list)
        list_del(it);
    more = reap_list.next != &reap_list;
    spin_unlock(&reap_lock);

    if (it != &reap_list)
        destroy(list_entry(it, struct domain, reap));
    /* One at a time: each takes a while, and interrupts are off. */
    if (more)
        timer_set(&reap_timer, clock_now_ns() + REAP_PAUSE_NS);
}

void domain_put(struct domain *d)
{
    if (__atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL))
        return;

    spin_lock(&reap_lock);
    if (!reap_timer_ready) {
        timer_init(&reap_timer, reap, NULL, 0);
        reap_timer_ready = true;
    }
    list_add_tail(&reap_list, &d->reap);
    spin_unlock(&reap_lock);
    timer_set(&reap_timer, 0);
}

/* One more reason for no vCPU of d to run; returns at once. */
static void pause_async(struct domain *d)
{
    spin_lock(&d->lock);
    d->pause_count++;
    vcpu_for_each (d, v) {
        __atomic_fetch_add(&v->unit.pause_count, 1, __ATOMIC_SEQ_CST);
        sched_sleep(v);
    }
    spin_unlock(&d->lock);
}

void domain_pause(struct domain *d)
{
    pause_async(d);
    /* No lock here: who still runs may be on its way to this one. */
    vcpu_for_each (d, v)
        sched_sleep_sync(v);
}

void domain_unpause(struct domain *d)
{
    spin_lock(&d->lock);
    d->pause_count--;
    vcpu_for_each (d, v)
        vcpu_unpause(v);
    spin_unlock(&d->lock);
}

static bool count_tool_pause(struct domain *d)
{
    bool room;

    spin_lock(&d->lock);
    room = d->nr_tool_pauses < 255;
    if (room) {
        d->nr_tool_pauses++;
        d->paused_by_tools = true;
    }
    spin_unlock(&d->lock);
    return room;
}

int domain_pause_tools(struct domain *d)
{
    if (d == current->domain)
        return -EINVAL;
    if (!count_tool_pause(d))
        return -EOVERFLOW;

    domain_pause(d);
    return 0;
}

bool domain_stop_for_debugger(struct domain *d)
{
    if (!count_tool_pause(d))
        return false;

    pause_async(d);
    virq_raise_global(VIRQ_DEBUGGER);
    return true;
}

int domain_unpause_tools(struct domain *d)
{
    if (d == current->domain)
        return -EINVAL;

    spin_lock(&d->lock);
    if (!d->nr_tool_pauses) {
        spin_unlock(&d->lock);
        return -EINVAL;
    }
    d->nr_tool_pauses--;
    d->paused_by_tools = d->nr_tool_pauses;
    if (!d->paused_by_tools)
        d->being_created = false;
    spin_unlock(&d->lock);

    domain_unpause(d);
    return 0;
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    if (d == dom0)
        machine_shutdown(
            d->shutdown_code == SHUTDOWN_CODE_NONE ? reason : d->shutdown_code);

    spin_lock(&d->lock);
    if (d->shut_down) {
        spin_unlock(&d->lock);
        return;
    }
    d->shut_down = true;
    if (d->shutdown_code == SHUTDOWN_CODE_NONE)
        d->shutdown_code = reason;
    vcpu_for_each (d, v) {
        v->paused_for_shutdown = true;
        __atomic_fetch_add(&v->unit.pause_count, 1, __ATOMIC_SEQ_CST);
        sched_sleep(v);
    }
    spin_unlock(&d->lock);

    virq_raise_global(VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
    domain_pause(d);
    spin_lock(&d->lock);
    d->shut_down = false;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    vcpu_for_each (d, v) {
        if (v->paused_for_shutdown)
            vcpu_unpause(v);
        v->paused_for_shutdown = false;
    }
    spin_unlock(&d->lock);
    domain_unpause(d);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    char why[160];
    va_list ap;

    if (READ_ONCE(d->shut_down))
        return;

    va_start(ap, fmt);
    fmt_vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    log_err("d%u crashed: %s\n", d->id, why);
    if (d == current->domain)
        pv_dump_registers(current);

    domain_shutdown(d, SHUTDOWN_crash);
}

/* What holds others' resources or ours goes; -ERESTART to be called again. */
static int let_go(struct domain *d)
{
    size_t n = nr_parts();

    while (d->kill_step < n) {
        const struct domain_part *part = domain_parts[n - 1 - d->kill_step];
        int rc = part->kill ? part->kill(d) : 0;

        if (rc)
            return rc;
        d->kill_step++;
    }
    if (d->kill_step == n) {
        vcpu_for_each (d, v) {
            vcpu_stop_timers(v);
            pv_drop_context(v);
            vcpu_unregister_areas(v);
        }
        d->kill_step++;
    }
    return frame_relinquish_domain(d);
}

int domain_kill(struct domain *d)
{
    int rc;

    if (d == current->domain || d == dom0)
        return -EINVAL;

    spin_lock(&d->lock);
    if (d->dying == DOMAIN_DEAD) {
        spin_unlock(&d->lock);
        return 0;
    }
    if (d->dying == DOMAIN_ALIVE) {
        WRITE_ONCE(d->dying, DOMAIN_DYING);
        spin_unlock(&d->lock);
        domain_pause(d); /* for good */
    } else {
        spin_unlock(&d->lock);
    }

    rc = let_go(d);
    if (rc)
        return rc;

    ASSERT(frames_check(false) <= 0);
    WRITE_ONCE(d->dying, DOMAIN_DEAD);
    virq_raise_global(VIRQ_DOM_EXC);
    domain_put(d); /* the reference of its life */
    return 0;
}

/* With count_round_trips only; see pv/pv.h. */
static void dump_round_trips(struct domain *d)
{
    uint64_t quiet = 0, all = 0;

    vcpu_for_each (d, v) {
        quiet += v->pv.nr_quiet_trips;
        all += v->pv.nr_trips;
    }
    if (all)
        log_info("round trips: d%u %llu of %llu without a hypercall\n", d->id,
                 (unsigned long long)quiet, (unsigned long long)all);
}

static void dump_one(struct domain *d)
{
    log_info("d%u: %llu of %llu pages, refs %u, pauses %d%s%s\n", d->id,
             (unsigned long long)d->tot_pages, (unsigned long long)d->max_pages,
             d->refs, d->pause_count, domain_is_dying(d) ? ", dying" : "",
             d->shut_down ? ", shut down" : "");
    vcpu_for_each (d, v)
        log_info("d%uv%u: cpu %u%s%s%s pauses %d, upcall pending %u mask %u, "
                 "%llu us\n",
                 d->id, v->id, v->unit.cpu, v->up ? " up" : " down",
                 v->unit.running ? " running" : "",
                 v->unit.blocked ? " blocked" : "", v->unit.pause_count,
                 v->info->evtchn_upcall_pending, v->info->evtchn_upcall_mask,
                 (unsigned long long)(sched_cpu_time_ns(v) / NS_PER_US));
    dump_round_trips(d);
}

void domain_dump_all(void)
{
    struct domain *d;

    for (domid_t id = 0; (d = domain_get_from(id)) != NULL;) {
        dump_one(d);
        id = d->id + 1;
        domain_put(d);
    }
}
