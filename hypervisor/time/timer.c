#include "time/timer.h"

#include "cpu/percpu.h"
#include "lib/spinlock.h"
#include "time/clock.h"

/* What a CPU waits for. `lock` guards all, and the timers that name the CPU. */
static struct timer_queue {
    struct spinlock lock;
    struct heap heap;
    struct timer *unplaced; /* armed too; the heap had no room for them */
    struct timer *running;
} timer_queues[MAX_CPUS];

static struct timer *timer_of(struct heap_item *item)
{
    return container_of(item, struct timer, item);
}

/* The queue that t belongs to, locked; it may move while we wait. */
static struct timer_queue *queue_lock(struct timer *t)
{
    for (;;) {
        uint32_t cpu = READ_ONCE(t->cpu);
        struct timer_queue *q = &timer_queues[cpu];

        spin_lock(&q->lock);
        if (t->cpu == cpu)
            return q;
        spin_unlock(&q->lock);
    }
}

/* Take t off; true when it was armed. */
static bool remove_locked(struct timer_queue *q, struct timer *t)
{
    if (t->item.pos) {
        heap_remove(&q->heap, &t->item);
        return true;
    }
    for (struct timer **p = &q->unplaced; *p; p = &(*p)->unplaced) {
        if (*p == t) {
            *p = t->unplaced;
            return true;
        }
    }
    return false;
}

/* Put t on; true when its CPU must look again. */
static bool insert_locked(struct timer_queue *q, struct timer *t)
{
    if (heap_insert(&q->heap, &t->item)) {
        /* Slow to search, but memory is not out for long. */
        t->unplaced = q->unplaced;
        q->unplaced = t;
        return true;
    }
    return heap_first(&q->heap) == &t->item;
}

void timer_init_cpu(unsigned cpu)
{
    timer_queues[cpu] = (struct timer_queue){0};
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg, unsigned cpu)
{
    *t = (struct timer){.fn = fn, .arg = arg, .cpu = cpu};
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
    struct timer_queue *q = queue_lock(t);
    uint32_t cpu = t->cpu;
    bool look = false;

    if (!t->dead) {
        remove_locked(q, t);
        t->item.key = deadline_ns;
        look = insert_locked(q, t);
    }
    spin_unlock(&q->lock);
    /* The exit path arms the hardware, here or there. */
    if (look)
        cpu_raise(cpu, WORK_TIMER);
}

/* The hardware stays armed: at worst it fires for nothing. */
void timer_stop(struct timer *t)
{
    struct timer_queue *q = queue_lock(t);

    remove_locked(q, t);
    spin_unlock(&q->lock);
}

void timer_kill(struct timer *t)
{
    struct timer_queue *q = queue_lock(t);

    t->dead = true;
    remove_locked(q, t);
    spin_unlock(&q->lock);
    while (__atomic_load_n(&t->running, __ATOMIC_ACQUIRE) &&
           READ_ONCE(timer_queues[cpu_id()].running) != t)
        spin_wait();
}

/* Both queues, lower CPU first, so that two migrations cannot meet. */
static void lock_both(struct timer *t, unsigned to)
{
    for (;;) {
        uint32_t from = READ_ONCE(t->cpu);

        spin_lock(&timer_queues[MIN(from, to)].lock);
        if (from != to)
            spin_lock(&timer_queues[MAX(from, to)].lock);
        if (t->cpu == from)
            return;
        if (from != to)
            spin_unlock(&timer_queues[MAX(from, to)].lock);
        spin_unlock(&timer_queues[MIN(from, to)].lock);
    }
}

void timer_migrate(struct timer *t, unsigned cpu)
{
    uint32_t from;
    bool look = false;

    lock_both(t, cpu);
    from = t->cpu;
    if (from != cpu) {
        bool armed = remove_locked(&timer_queues[from], t);

        t->cpu = cpu;
        if (armed)
            look = insert_locked(&timer_queues[cpu], t);
        spin_unlock(&timer_queues[from].lock);
    }
    spin_unlock(&timer_queues[cpu].lock);
    if (look)
        cpu_raise(cpu, WORK_TIMER);
}

static struct timer *first_locked(struct timer_queue *q)
{
    struct heap_item *item = heap_first(&q->heap);
    struct timer *first = item ? timer_of(item) : NULL;

    for (struct timer *t = q->unplaced; t; t = t->unplaced)
        if (!first || t->item.key < first->item.key)
            first = t;
    return first;
}

static void run_one(struct timer_queue *q, struct timer *t)
{
    t->running = true;
    q->running = t;
    spin_unlock(&q->lock);
    t->fn(t->arg);
    spin_lock(&q->lock);
    q->running = NULL;
    __atomic_store_n(&t->running, false, __ATOMIC_RELEASE);
}

void timer_run(void)
{
    struct timer_queue *q = &timer_queues[cpu_id()];
    struct timer *t;

    spin_lock(&q->lock);
    while ((t = first_locked(q)) && t->item.key <= clock_now_ns()) {
        remove_locked(q, t);
        run_one(q, t);
    }
    /* A deadline at 0 is past, so it is gone: 0 is free to mean "none". */
    timer_arm_hardware(t ? t->item.key : 0);
    spin_unlock(&q->lock);
}

void timer_dump(void)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        struct timer_queue *q = &timer_queues[cpu];
        struct timer *t;
        uint64_t at = 0;
        size_t nr;

        spin_lock(&q->lock);
        nr = q->heap.nr;
        t = first_locked(q);
        if (t)
            at = t->item.key;
        spin_unlock(&q->lock);
        if (t)
            log_info(
                "CPU %u: %zu timers, the next at %llu us (it is %llu us)\n",
                cpu, nr, at / NS_PER_US, clock_now_ns() / NS_PER_US);
    }
}
