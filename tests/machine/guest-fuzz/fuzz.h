/*
 * The machine fuzzer: all vCPUs of one guest do random things to the same few
 * pages, ports and grants at the same time. What operation `i` of a vCPU is
 * depends on the seed alone, so a stretch of one can be run again:
 *   extra = "seed=7 ops=20000 from=0"
 * The pages (the arena) each have a role that they play most of the time, so
 * that whole trees of tables come about and not only refusals.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "guest.h"

#define NR_VCPUS 3
#define NR_PAGES 60 /* of the arena */

struct fuzz_vcpu {
    uint64_t random;      /* state of the running operation */
    volatile uint64_t op; /* its number */
    uint64_t traps, events, refused;
    volatile bool done;
    uint8_t scratch[PAGE_SIZE] __attribute__((aligned(4096)));
    uint8_t stack[2 * STACK_SIZE] __attribute__((aligned(4096)));
};
extern struct fuzz_vcpu fuzz_vcpus[NR_VCPUS];

extern uint8_t *arena[NR_PAGES];              /* where they are mapped */
extern volatile uint64_t arena_mfn[NR_PAGES]; /* changes by exchange */
extern grant_entry_v1_t *grants;
extern uint16_t self;

/* ---- values.c ---- */
uint64_t fuzz_random(struct fuzz_vcpu *v);
static inline uint64_t below(struct fuzz_vcpu *v, uint64_t n)
{
    return fuzz_random(v) % n;
}
static inline bool one_in(struct fuzz_vcpu *v, uint64_t n)
{
    return !below(v, n);
}
unsigned int role_of(unsigned int page); /* 0: data, else a table's level */
unsigned int any_page(struct fuzz_vcpu *v);
uint64_t any_mfn(struct fuzz_vcpu *v);
uint64_t any_pte(struct fuzz_vcpu *v, unsigned int level);
uint64_t any_address(struct fuzz_vcpu *v);
/* For an argument: our scratch filled with numbers, the arena, or junk. */
void *any_pointer(struct fuzz_vcpu *v);
uint64_t any_number(struct fuzz_vcpu *v);

/* ---- calls.c, cpu.c: one random operation of its kind ---- */
void fuzz_tables(struct fuzz_vcpu *v);
void fuzz_store(struct fuzz_vcpu *v);
void fuzz_descriptors(struct fuzz_vcpu *v);
void fuzz_grants(struct fuzz_vcpu *v);
void fuzz_events(struct fuzz_vcpu *v);
void fuzz_memory(struct fuzz_vcpu *v);
void fuzz_vcpu_op(struct fuzz_vcpu *v);
void fuzz_multicall(struct fuzz_vcpu *v);
void fuzz_any_call(struct fuzz_vcpu *v);
void fuzz_instruction(struct fuzz_vcpu *v);
void fuzz_iret(struct fuzz_vcpu *v);
void fuzz_settings(struct fuzz_vcpu *v);

/* ---- main.c ---- */
/* A vCPU, by number, at work; exceptions begin it anew. */
void fuzz_loop(void *vcpu);

#endif
