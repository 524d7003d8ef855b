/*
 * The FIFO ABI: a word per port in pages of the guest, linked by us into
 * queues (one per vCPU and priority) whose heads are in the vCPU's control
 * block. The guest consumes from the head, we append at the tail.
 *
 * The guest can scribble over words and blocks at any time. So we remember
 * the tails ourselves, follow no index that we read from it, and give up on
 * a word that changes too often: a bad guest loses its own events only.
 */
#include "evtchn/internal.h"

#include "mm/frametype.h"

#define W_PENDING (1u << EVTCHN_FIFO_PENDING)
#define W_MASKED  (1u << EVTCHN_FIFO_MASKED)
#define W_LINKED  (1u << EVTCHN_FIFO_LINKED)
#define W_BUSY    (1u << EVTCHN_FIFO_BUSY)
#define W_LINK    ((uint32_t)EVTCHN_FIFO_LINK_MASK)

/* A vCPU's queues. `lock` guards the tails and what is linked to them. */
struct evtchn_fifo_vcpu {
    struct spinlock lock;
    struct evtchn_fifo_control_block *block;
    evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* 0: none */
};

static event_word_t *word_of(const struct domain *d, evtchn_port_t port)
{
    const struct evtchn_domain *e = d->evtchn;
    uint32_t nr = __atomic_load_n(&e->fifo_words, __ATOMIC_SEQ_CST);

    if (port >= nr)
        return NULL;
    port = nospec_index(port, nr);
    return e->fifo_page[port / FIFO_PER_PAGE] + port % FIFO_PER_PAGE;
}

static bool word_test(const struct domain *d, evtchn_port_t port, uint32_t bit)
{
    event_word_t *word = word_of(d, port);

    return word && (READ_ONCE(*word) & bit);
}

static bool word_test_and_set(event_word_t *word, uint32_t bit)
{
    return __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST) & bit;
}

static bool fifo_is_masked(struct domain *d, evtchn_port_t port)
{
    event_word_t *word = word_of(d, port);

    return !word || (READ_ONCE(*word) & W_MASKED);
}

static bool fifo_is_pending(struct domain *d, evtchn_port_t port)
{
    return word_test(d, port, W_PENDING);
}

static bool fifo_is_busy(struct domain *d, evtchn_port_t port)
{
    return word_test(d, port, W_LINKED);
}

static void fifo_init(struct domain *d, evtchn_port_t port, struct evtchn *chn)
{
    (void)d;
    (void)port;
    /* last_vcpu and last_priority stay: its word may still be a tail. */
    chn->pending = 0;
}

/* --- Linking ---------------------------------------------------------------
 */

enum link_result { LINK_DONE, LINK_GONE, LINK_AGAIN };

/* Make the tail's word point at `port`, unless the guest consumed it. */
static enum link_result try_link(event_word_t *tail, evtchn_port_t port)
{
    uint32_t old = READ_ONCE(*tail);
    uint32_t new;

    if (!(old & W_LINKED))
        return LINK_GONE;
    new = (old & ~(W_BUSY | W_LINK)) | port;
    return __atomic_compare_exchange_n(tail, &old, new, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST)
               ? LINK_DONE
               : LINK_AGAIN;
}

/* True: `port` hangs behind the tail. False: the queue's end was consumed. */
static __attribute__((noinline)) bool link_behind(event_word_t *tail,
                                                  evtchn_port_t port)
{
    enum link_result rc = try_link(tail, port);

    if (rc != LINK_AGAIN)
        return rc == LINK_DONE;

    /*
     * BUSY keeps an honest guest from unmasking, so its word can change only
     * a few times more (cleared pending, set mask, cleared link).
     */
    word_test_and_set(tail, W_BUSY);
    for (unsigned i = 0; i < 4 && rc == LINK_AGAIN; i++)
        rc = try_link(tail, port);
    if (rc != LINK_DONE)
        __atomic_fetch_and(tail, ~W_BUSY, __ATOMIC_SEQ_CST);
    return rc != LINK_GONE; /* AGAIN: it spoils its own queue */
}

/*
 * Lock v's queues and those that chn was linked to last, for a channel that
 * has moved. Lower address first.
 */
static __attribute__((noinline)) struct evtchn_fifo_vcpu *
lock_both(struct vcpu *v, struct evtchn *chn)
{
    struct evtchn_fifo_vcpu *new = v->fifo, *old;

    for (;;) {
        uint16_t last = READ_ONCE(chn->last_vcpu);

        old = v->domain->vcpu[last]->fifo;
        if (!old || old == new) {
            spin_lock(&new->lock);
            old = new;
        } else {
            spin_lock(old < new ? &old->lock : &new->lock);
            spin_lock(old < new ? &new->lock : &old->lock);
        }
        if (last == READ_ONCE(chn->last_vcpu))
            return old;
        spin_unlock(&new->lock);
        if (old != new)
            spin_unlock(&old->lock);
    }
}

/* Lock v's queues; when chn was linked to another vCPU's last, those, too. */
static inline struct evtchn_fifo_vcpu *
lock_queues(struct vcpu *v, struct evtchn_fifo_vcpu *f, struct evtchn *chn)
{
    spin_lock(&f->lock);
    if (likely(READ_ONCE(chn->last_vcpu) == v->id))
        return f;
    spin_unlock(&f->lock);
    return lock_both(v, chn);
}

/* Unlinked by the guest, but we may still think it the end of the queue that
   it was in: nobody must hang behind it there. */
static __attribute__((noinline)) void move(struct vcpu *v, evtchn_port_t port,
                                           struct evtchn *chn,
                                           struct evtchn_fifo_vcpu *old,
                                           uint8_t prio)
{
    if (old->tail[chn->last_priority] == port)
        old->tail[chn->last_priority] = 0;
    WRITE_ONCE(chn->last_vcpu, (uint16_t)v->id);
    chn->last_priority = prio;
}

/* Append to v's queue; both vCPUs' locks held. True: the guest must look. */
static inline bool append(struct vcpu *v, struct evtchn_fifo_vcpu *f,
                          evtchn_port_t port, struct evtchn *chn,
                          struct evtchn_fifo_vcpu *old)
{
    struct evtchn_fifo_control_block *block = f->block;
    uint8_t prio = READ_ONCE(chn->priority);
    evtchn_port_t *tail = &f->tail[prio];
    event_word_t *tail_word;
    bool linked = false;
    uint32_t bit;

    if (unlikely(chn->last_vcpu != v->id || chn->last_priority != prio))
        move(v, port, chn, old, prio);

    /* A tail that was consumed and raised anew is `port` itself. */
    if (*tail && *tail != port) {
        tail_word = word_of(v->domain, *tail);
        linked = tail_word && link_behind(tail_word, port);
    }
    *tail = port;
    if (linked)
        return false;
    WRITE_ONCE(block->head[prio], port);
    bit = 1u << prio;
    return !(__atomic_fetch_or(&block->ready, bit, __ATOMIC_SEQ_CST) & bit);
}

/* Put a port that is pending and not masked in its queue, unless it is. */
static inline void enqueue(struct vcpu *v, evtchn_port_t port,
                           struct evtchn *chn, event_word_t *word)
{
    struct evtchn_fifo_vcpu *old, *f = v->fifo;
    bool news = false;

    /* Without a control block nobody listens; PENDING says it for later. */
    if (unlikely(!f || !__atomic_load_n(&f->block, __ATOMIC_ACQUIRE)))
        return;

    old = lock_queues(v, f, chn);
    if (likely(!word_test_and_set(word, W_LINKED)))
        news = append(v, f, port, chn, old);
    spin_unlock(&f->lock);
    if (unlikely(old != f))
        spin_unlock(&old->lock);
    if (news)
        evtchn_mark_vcpu(v);
}

/* There is no word yet: expand_array raises it, unless it has just been
   here. */
static __attribute__((noinline)) event_word_t *
note_pending(struct domain *d, evtchn_port_t port, struct evtchn *chn)
{
    __atomic_store_n(&chn->pending, 1, __ATOMIC_SEQ_CST);
    return word_of(d, port);
}

static void fifo_set_pending(struct vcpu *v, evtchn_port_t port,
                             struct evtchn *chn)
{
    event_word_t *word = word_of(v->domain, port);

    if (unlikely(!word)) {
        word = note_pending(v->domain, port, chn);
        if (!word)
            return;
    }
    word_test_and_set(word, W_PENDING);
    if (!(READ_ONCE(*word) & (W_MASKED | W_LINKED)))
        enqueue(v, port, chn, word);
}

static void fifo_clear_pending(struct domain *d, evtchn_port_t port)
{
    event_word_t *word = word_of(d, port);

    if (word)
        __atomic_fetch_and(word, ~W_PENDING, __ATOMIC_SEQ_CST);
}

static void fifo_unmask(struct domain *d, evtchn_port_t port,
                        struct evtchn *chn)
{
    event_word_t *word = word_of(d, port);

    if (!word)
        return;
    __atomic_fetch_and(word, ~W_MASKED, __ATOMIC_SEQ_CST);
    if (READ_ONCE(*word) & W_PENDING)
        fifo_set_pending(d->vcpu[READ_ONCE(chn->notify_vcpu)], port, chn);
}

static int fifo_set_priority(struct evtchn *chn, uint32_t priority)
{
    if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -EINVAL;
    /* Takes effect when it is linked the next time. */
    WRITE_ONCE(chn->priority, (uint8_t)priority);
    return 0;
}

const struct evtchn_abi evtchn_abi_fifo = {
    .nr_ports = EVTCHN_FIFO_NR_CHANNELS,
    .init = fifo_init,
    .set_pending = fifo_set_pending,
    .clear_pending = fifo_clear_pending,
    .unmask = fifo_unmask,
    .is_pending = fifo_is_pending,
    .is_masked = fifo_is_masked,
    .is_busy = fifo_is_busy,
    .set_priority = fifo_set_priority,
};

/* --- The guest's pages -----------------------------------------------------
 */

/* Hold a page of d so that it stays d's and writable; NULL: it cannot be. */
static void *page_get(struct domain *d, uint64_t gfn)
{
    mfn_t m = mfn(gfn);

    if (!mfn_is_ram(m) || frame_get_typed(m, d, FT_WRITABLE))
        return NULL;
    return mfn_to_virt(m);
}

static void page_put(struct domain *d, void *page)
{
    frame_put_typed(frame_of(virt_to_mfn(page)), d);
}

/* Events that came by the 2-level bitmaps are raised again with the array. */
static void switch_from_2l(struct domain *d)
{
    struct evtchn_domain *e = d->evtchn;

    /* Before the look at the bitmap: see evtchn_set_pending(). */
    __atomic_store_n(&e->abi, &evtchn_abi_fifo, __ATOMIC_SEQ_CST);
    for (evtchn_port_t p = 1; p < MIN(e->nr_ports, EVTCHN_2L_NR_CHANNELS);
         p++) {
        struct evtchn *chn = evtchn_get(d, p);

        chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
        if (evtchn_is_usable(chn) && evtchn_abi_2l.is_pending(d, p))
            chn->pending = 1;
    }
}

int fifo_init_control(struct domain *d, uint64_t gfn, uint32_t offset,
                      uint32_t vcpu)
{
    struct vcpu *v = vcpu_of(d, vcpu);
    char *page;

    if (!v)
        return -ENOENT;
    if (offset % 8 ||
        offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
        return -EINVAL;
    if (!v->fifo)
        v->fifo = mem_alloc(sizeof(*v->fifo));
    if (!v->fifo)
        return -ENOMEM;
    if (v->fifo->block)
        return -EINVAL;

    page = page_get(d, gfn);
    if (!page)
        return -EINVAL;
    if (d->evtchn->abi != &evtchn_abi_fifo)
        switch_from_2l(d);
    memset(v->fifo->tail, 0, sizeof(v->fifo->tail));
    __atomic_store_n(&v->fifo->block, (void *)(page + offset),
                     __ATOMIC_RELEASE);
    return 0;
}

int fifo_expand_array(struct domain *d, uint64_t gfn)
{
    struct evtchn_domain *e = d->evtchn;
    evtchn_port_t first = e->fifo_words;
    void *page;

    if (e->abi != &evtchn_abi_fifo)
        return -EOPNOTSUPP;
    if (first >= EVTCHN_FIFO_NR_CHANNELS)
        return -ENOSPC;
    page = page_get(d, gfn);
    if (!page)
        return -EINVAL;

    e->fifo_page[first / FIFO_PER_PAGE] = page;
    __atomic_store_n(&e->fifo_words, first + (uint32_t)FIFO_PER_PAGE,
                     __ATOMIC_SEQ_CST);

    for (evtchn_port_t p = first; p < first + FIFO_PER_PAGE; p++) {
        struct evtchn *chn = evtchn_get(d, p);

        if (!chn)
            break;
        spin_lock(&chn->lock);
        if (chn->pending && evtchn_is_usable(chn)) {
            chn->pending = 0;
            evtchn_set_pending(d, p, chn);
        }
        spin_unlock(&chn->lock);
    }
    return 0;
}

void fifo_destroy(struct domain *d)
{
    struct evtchn_domain *e = d->evtchn;
    uint32_t nr = e->fifo_words;

    __atomic_store_n(&e->fifo_words, 0, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < nr / FIFO_PER_PAGE; i++)
        page_put(d, e->fifo_page[i]);

    vcpu_for_each (d, v) {
        if (!v->fifo || !v->fifo->block)
            continue;
        page_put(d, (void *)((uintptr_t)v->fifo->block & PAGE_MASK));
        memset(v->fifo, 0, sizeof(*v->fifo));
    }
    for (evtchn_port_t p = 0; p < e->nr_ports; p++) {
        struct evtchn *chn = evtchn_get(d, p);

        chn->last_vcpu = 0;
        chn->last_priority = 0;
    }
}
