/*
 * What host tests say to the fakes: domains without a machine below them. A
 * test calls fake_domain_new() and must end with fake_check_empty().
 */
#ifndef FAKES_FAKE_H
#define FAKES_FAKE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/domain.h"
#include "mm/frametype.h"

/* memory.c: nothing allocated any more, or the test fails. */
void fake_check_empty(void);
extern int fake_alloc_fails_after; /* negative: never */

/* frames.c */
struct frame *fake_frame_new(struct domain *d);
void fake_frame_free(struct frame *f); /* the allocation reference */
void fake_frame_make_table(struct frame *f);
void *fake_page_get(void);
void fake_page_put(void *page);
unsigned fake_frames_used(void);

/* domain.c */
struct domain *fake_domain_new(domid_t id, unsigned nr_vcpus,
                               const struct domain_part *part);
/* Kill (unless done), free; nobody may refer to it any more. */
void fake_domain_free(struct domain *d, const struct domain_part *part);
void fake_run(struct domain *d, unsigned vcpu); /* becomes current */

/* hypercall.c */
extern bool fake_should_yield;

/* vcpu.c: wakes and kicks, counted by vCPU number. */
extern unsigned fake_vcpu_wakes[MAX_VCPUS], fake_vcpu_kicks[MAX_VCPUS];

#endif
