/* A guest to debug: a page of memory and two vCPUs, which run when asked to. */
#ifndef TEST_TARGET_FAKE_H
#define TEST_TARGET_FAKE_H

#include "dom0/debug/target.h"

enum { FAKE_BASE = 0x1000, FAKE_SIZE = 4096, FAKE_VCPUS = 2, FAKE_MFN = 77 };

struct target {
    uint8_t memory[FAKE_SIZE];
    struct vcpu_guest_context ctx[FAKE_VCPUS];
    enum target_state state;
    bool catching, cannot_catch, forgotten;
    bool is_quick; /* meets a breakpoint before anybody looks */
    bool owes_breakpoint[FAKE_VCPUS];  /* as the hypervisor does */
    unsigned int nr_traps[FAKE_VCPUS]; /* int3 that its kernel got */
    unsigned int nr_goes;
};

/* Running, one instruction a byte. */
void fake_target_reset(struct target *t);
/* Let vCPU `v` execute up to `n` bytes: it stops at int3 and after steps. */
void fake_target_run(struct target *t, unsigned int v, unsigned int n);

#endif
