/*
 * What the hypervisor recorded of a guest: the buffers of <xen/trace.h>, read
 * while it writes them, and the records put into words. Ours and Xen's.
 */
#ifndef DOM0_DEBUG_TRACE_H
#define DOM0_DEBUG_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <xen/xen.h>
#include <xen/trace.h>

/* A subclass that our hypervisor has alone: see its domain/trace.h. */
#define TRACE_SYSCALL 0x00208141 /* rip (64 bits), number */
#define TRACE_EVENT   0x00208042 /* vcpu and domain told of it, port */
#define TRACE_UPCALL  0x00208143 /* rip (64 bits) */

struct trace_record {
    uint64_t tsc;
    uint32_t event;
    uint16_t cpu, domid, vcpu; /* whose; DOMID_IDLE: nobody's that we know */
    uint16_t nr_words;
    uint32_t word[TRACE_EXTRA_MAX];
};

/* A change of run state: RUNSTATE_* of <xen/vcpu.h> are in the event. */
static inline bool trace_is_change(uint32_t event)
{
    return (event & ~0x330u) == TRC_SCHED_RUNSTATE_CHANGE;
}
static inline unsigned int trace_from(uint32_t event)
{
    return event >> 8 & 3;
}
static inline unsigned int trace_to(uint32_t event)
{
    return event >> 4 & 3;
}

typedef void (*trace_fn)(void *arg, const struct trace_record *r);

/* --- records (trace-decode.c, pure) --------------------------------------- */

/* Who runs on a CPU, by the records so far. Begin with DOMID_IDLE. */
struct trace_cpu {
    uint16_t cpu, domid, vcpu;
    uint64_t tsc;
};
/*
 * `nr` words of a CPU's buffer, from one record's start to another's: each to
 * `each`. How many words at the end made no sense.
 */
size_t trace_decode(struct trace_cpu *c, const uint32_t *words, size_t nr,
                    trace_fn each, void *arg);

/* --- words (trace-text.c, pure) ------------------------------------------- */

struct trace_text {
    const char *kind; /* "hypercall" */
    char what[64];    /* "sched_op block" */
    char more[96];    /* arguments, addresses; may be "" */
};
void trace_describe(const struct trace_record *r, struct trace_text *t);

/* A file that Perfetto and chrome://tracing open (trace-json.c). */
struct trace_json {
    FILE *f;
    uint32_t domid;
    bool any;
    /* A bit for each vcpu: named already; its "runs" has begun. */
    uint8_t named[65536 / 8], runs[65536 / 8];
};
void trace_json_begin(struct trace_json *j, FILE *f, uint32_t domid,
                      const char *name);
void trace_json_add(struct trace_json *j, const struct trace_record *r,
                    double us);
void trace_json_end(struct trace_json *j, double us);

/* --- the buffers (trace-buffer.c) ----------------------------------------- */

struct tracer;

/*
 * Get hold of the buffers, made of so many pages a CPU if there are none yet,
 * and empty them. -EEXIST: another program traces; -ENOSYS: this hypervisor
 * cannot; -ENOMEM: it has no memory for them; -EPROTO: what it tells about them
 * makes no sense.
 */
int tracer_open(struct tracer **t, uint32_t domid, uint32_t pages);
int tracer_turn(struct tracer *t, bool on);
uint32_t tracer_pages(const struct tracer *t); /* those there are */
/* Readable when a buffer is half full. */
int tracer_fd(const struct tracer *t);
/*
 * Records of the guest, and of lost ones, to `each` in the order of time; those
 * that another CPU may yet tell something older than wait for the next call,
 * unless this is the last.
 */
void tracer_read(struct tracer *t, bool last, trace_fn each, void *arg);
/* Microseconds since the first record of all. */
double tracer_us(const struct tracer *t, uint64_t tsc);
bool tracer_guest_is_gone(struct tracer *t);
/* Until now: of the last record; lost for want of room; not understood. */
struct trace_totals {
    uint64_t last_tsc, nr_records, nr_lost, nr_garbled;
};
const struct trace_totals *tracer_totals(const struct tracer *t);
void tracer_close(struct tracer *t); /* leaves it on or off; NULL is fine */

#endif
