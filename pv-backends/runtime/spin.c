#include "pv-backends/runtime/spin.h"

#include "pv-backends/runtime/bucket.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>

#include <event2/event.h>

/*
 * After so long the event loop looks at everything else; behind its usual
 * events there is the priority for this.
 */
enum { CYCLE_NS = 20000, PRIORITY = 2 };

/* What a request found by looking saves; how long to do without looking. */
enum { SAVED_NS = 25000, FIRST_PAUSE_NS = 5000000, LAST_PAUSE_NS = 1000000000 };

struct spin {
    struct event *cycle;
    uint64_t limit_ns;
    uint64_t gap_ns; /* between requests, on average */
    uint64_t worked_ns;
    uint64_t looked_ns; /* in vain or until something was found */
    uint64_t saved_ns;  /* meanwhile, by what was found */
    uint64_t pause_ns, pause_end_ns;
    TAILQ_HEAD(, spin_source) hot;
};

static void on_cycle(evutil_socket_t fd, short what, void *arg);

int spin_open(struct spin **out, struct event_base *base, unsigned int limit_us)
{
    struct spin *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    TAILQ_INIT(&s->hot);
    s->limit_ns = limit_us * 1000ull;
    s->gap_ns = s->limit_ns * 4;
    s->cycle = event_new(base, -1, 0, on_cycle, s);
    if (!s->cycle || event_priority_set(s->cycle, PRIORITY)) {
        spin_close(s);
        return -ENOMEM;
    }
    *out = s;
    return 0;
}

void spin_close(struct spin *s)
{
    if (!s)
        return;
    if (s->cycle)
        event_free(s->cycle);
    free(s);
}

/* A gap beyond the limit is as good as any other. */
static void learn(struct spin *s, uint64_t now_ns)
{
    uint64_t gap = now_ns - s->worked_ns;

    if (gap > s->limit_ns * 4)
        gap = s->limit_ns * 4;
    s->gap_ns = (s->gap_ns * 7 + gap) / 8;
    s->worked_ns = now_ns;
}

static bool pays(const struct spin *s)
{
    return s->gap_ns * 2 < s->limit_ns;
}

/* Was looking worth it of late? If not, there is a pause. */
static bool judge(struct spin *s, uint64_t now_ns)
{
    bool good = s->saved_ns >= s->looked_ns;

    s->looked_ns = s->saved_ns = 0;
    if (good) {
        s->pause_ns = 0;
        return true;
    }
    s->pause_ns = s->pause_ns ? s->pause_ns * 2 : FIRST_PAUSE_NS;
    if (s->pause_ns > LAST_PAUSE_NS)
        s->pause_ns = LAST_PAUSE_NS;
    s->pause_end_ns = now_ns + s->pause_ns;
    return false;
}

bool spin_touch(struct spin *s, struct spin_source *source)
{
    uint64_t now_ns;

    if (!s->limit_ns)
        return false;
    now_ns = bucket_now_ns();
    learn(s, now_ns);
    if (!source->hot && pays(s) && now_ns >= s->pause_end_ns) {
        source->hot = true;
        TAILQ_INSERT_TAIL(&s->hot, source, link);
        event_active(s->cycle, EV_TIMEOUT, 0);
    }
    return source->hot;
}

void spin_forget(struct spin *s, struct spin_source *source)
{
    if (source->hot)
        TAILQ_REMOVE(&s->hot, source, link);
    source->hot = false;
}

static bool work_all(struct spin *s)
{
    struct spin_source *source;
    bool any = false;

    TAILQ_FOREACH(source, &s->hot, link)
    any |= source->work(source->arg);
    return any;
}

static void rest_all(struct spin *s)
{
    struct spin_source *source;

    while ((source = TAILQ_FIRST(&s->hot))) {
        spin_forget(s, source);
        source->rest(source->arg);
    }
}

/* For a moment, or until there is something to do, and do that. */
static void look(struct spin *s, uint64_t *now_ns)
{
    uint64_t begin_ns = bucket_now_ns();
    bool found;

    *now_ns = begin_ns;
    while (!(found = work_all(s)) && *now_ns - begin_ns < CYCLE_NS) {
        __builtin_ia32_pause();
        *now_ns = bucket_now_ns();
    }
    s->looked_ns += *now_ns - begin_ns;
    if (found) {
        s->saved_ns += SAVED_NS;
        learn(s, *now_ns);
    }
}

/* Again, after everything else, while it pays. */
static void on_cycle(evutil_socket_t fd, short what, void *arg)
{
    struct spin *s = arg;
    uint64_t now_ns;
    bool over;

    (void)fd, (void)what;
    look(s, &now_ns);
    over = !pays(s) || now_ns - s->worked_ns > s->limit_ns;
    if ((over || s->looked_ns > s->limit_ns) && !judge(s, now_ns))
        over = true;
    if (over) {
        rest_all(s);
        return;
    }
    sched_yield(); /* who else wants to run makes our gaps longer */
    if (!TAILQ_EMPTY(&s->hot))
        event_active(s->cycle, EV_TIMEOUT, 0);
}
