/*
 * Looking again for a little while before going to sleep: under load the next
 * request comes sooner than an event channel, an interrupt and a wake-up would
 * tell of it. How long it pays is learned from the gaps between requests; when
 * they are longer than the limit there is no looking at all, so an idle machine
 * idles. Looking that cost more than the wake-ups it saved (whoever should send
 * the next request waits for this very processor, perhaps) is given up for a
 * while, and each time in a row for twice as long.
 */
#ifndef PARAVANE_RUNTIME_SPIN_H
#define PARAVANE_RUNTIME_SPIN_H

#include <stdbool.h>
#include <sys/queue.h>

struct event_base;
struct spin;

/* Something to look at. The user fills in the hooks and keeps it. */
struct spin_source {
    /* Do what there is to do; false when there was nothing. */
    bool (*work)(void *arg);
    /* No more looking: have events sent again, and look a last time. */
    void (*rest)(void *arg);
    void *arg;
    bool hot;
    TAILQ_ENTRY(spin_source) link;
};

/* With `limit_us` 0 nothing is ever hot. 0 or -ENOMEM. */
int spin_open(struct spin **out, struct event_base *base,
              unsigned int limit_us);
void spin_close(struct spin *s);

/*
 * There is work of this source's. True: it will be looked at until rest() is
 * called, and needs no events meanwhile.
 */
bool spin_touch(struct spin *s, struct spin_source *source);

/* The source goes, without a rest(). */
void spin_forget(struct spin *s, struct spin_source *source);

#endif
