/*
 * The fake machine's inside, for the files that play a part of it each, as the
 * real calls are split: host-fake.c, domain-fake.c, vcpu-fake.c, memory-fake.c,
 * trace-fake.c.
 */
#ifndef DOM0_LIBS_HYPERCALL_FAKE_INTERNAL_H
#define DOM0_LIBS_HYPERCALL_FAKE_INTERNAL_H

#include <errno.h>
#include <string.h>

#include "dom0/libs/hypercall/hypercall-fake.h"

#define HV_FAKE_PAGE        4096u
#define HV_FAKE_CPUS        2u
#define HV_FAKE_NOBODY      (-1)
#define HV_FAKE_MAX_WINDOWS 64

struct hv_fake_window {
    uint8_t *at;
    size_t nr;
    uint64_t *mfns; /* of those mapped writable; ~0 for the others */
};

struct hv_fake_machine {
    int memory; /* a memfd: frame n at n pages */
    uint8_t *base;
    uint64_t nr_frames, nr_free;
    int32_t *owner;
    unsigned *writable; /* windows that can write to it */
    bool fragmented, zeroed, crashing;
    struct hv_fake_domain *domains;
    uint32_t next_id;
    struct hv_fake_window windows[HV_FAKE_MAX_WINDOWS];
    char caps[256];
    struct hv_fake_trace trace;

    struct {
        const char *call;
        unsigned nr;
    } calls[128];
    char failing[64];
    unsigned skip;
    int rc;
};
extern struct hv_fake_machine hv_fake;

/* Count this call, and fail it if the test asked for that. */
#define CALL()                                                                 \
    do {                                                                       \
        int rc_;                                                               \
        if (hv_fake_called(__func__, &rc_))                                    \
            return rc_;                                                        \
    } while (0)

#define CALL_ON(d, domid)                                                      \
    struct hv_fake_domain *d = hv_fake_domain(domid);                          \
    CALL();                                                                    \
    if (!d)                                                                    \
    return -ESRCH

void hv_fake_must(bool ok, const char *what); /* or the test ends here */

/* nr frames in a row that are a multiple of nr, or 0. */
uint64_t hv_fake_take_frames(uint32_t domid, uint64_t nr);
void hv_fake_give_back(uint64_t mfn);
uint64_t hv_fake_claimed(void); /* pages, by all domains */

#endif
