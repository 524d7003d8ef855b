#include "tests/unit/dom0/target-fake.h"

#include <errno.h>
#include <string.h>

enum { TF = 0x100, INT3 = 0xcc };

void fake_target_reset(struct target *t)
{
    memset(t, 0, sizeof(*t));
    memset(t->memory, 0x90, sizeof(t->memory));
    for (unsigned int v = 0; v < FAKE_VCPUS; v++) {
        t->ctx[v].user_regs.rip = FAKE_BASE + v * 256;
        t->ctx[v].flags = VGCF_in_kernel;
    }
}

void fake_target_run(struct target *t, unsigned int v, unsigned int n)
{
    struct cpu_user_regs *r = &t->ctx[v].user_regs;

    while (n-- && t->state == TARGET_RUNS) {
        uint8_t byte = t->memory[(r->rip - FAKE_BASE) % FAKE_SIZE];

        r->rip++;
        if (t->catching && (byte == INT3 || r->rflags & TF)) {
            t->state = TARGET_STOPPED;
            r->entry_vector = byte == INT3 ? 3 : 1;
            t->ctx[v].debugreg[6] |= byte == INT3 ? 0 : 0x4000;
        }
    }
}

unsigned int target_nr_vcpus(const struct target *t)
{
    (void)t;
    return FAKE_VCPUS;
}

enum target_state target_state(struct target *t)
{
    return t->state;
}

void target_forget(struct target *t)
{
    t->forgotten = true;
}

int target_stop(struct target *t)
{
    t->state = TARGET_STOPPED;
    return 0;
}

int target_go(struct target *t)
{
    t->state = TARGET_RUNS;
    t->nr_goes++;
    for (unsigned int v = 0; v < FAKE_VCPUS; v++) {
        t->nr_traps[v] += t->owes_breakpoint[v];
        t->owes_breakpoint[v] = false;
        t->ctx[v].user_regs.entry_vector = 0;
    }
    if (t->is_quick)
        fake_target_run(t, 0, 100);
    return 0;
}

void target_nap(struct target *t)
{
    for (unsigned int v = 0; v < FAKE_VCPUS; v++)
        fake_target_run(t, v, 1);
}

int target_catch(struct target *t, bool catch)
{
    if (t->cannot_catch)
        return -ENOSYS;
    t->catching = catch;
    return 0;
}

int target_registers(struct target *t, unsigned int vcpu,
                     struct vcpu_guest_context *ctx)
{
    if (vcpu >= FAKE_VCPUS)
        return -ESRCH;
    *ctx = t->ctx[vcpu];
    return 0;
}

int target_set_registers(struct target *t, unsigned int vcpu,
                         const struct vcpu_guest_context *ctx)
{
    if (vcpu >= FAKE_VCPUS)
        return -ESRCH;
    t->ctx[vcpu] = *ctx;
    t->owes_breakpoint[vcpu] = ctx->user_regs.entry_vector == 3;
    return 0;
}

static size_t part(uint64_t va, size_t size)
{
    uint64_t at = va - FAKE_BASE;

    if (at >= FAKE_SIZE)
        return 0;
    return size < FAKE_SIZE - at ? size : FAKE_SIZE - at;
}

size_t target_read(struct target *t, const struct vcpu_guest_context *ctx,
                   uint64_t va, void *data, size_t size)
{
    size_t n = part(va, size);

    (void)ctx;
    if (n)
        memcpy(data, t->memory + (va - FAKE_BASE), n);
    return n;
}

bool target_frame(struct target *t, uint64_t mfn, void *page)
{
    if (mfn != FAKE_MFN)
        return false;
    memcpy(page, t->memory, FAKE_SIZE);
    return true;
}

void target_frames(struct target *t, const uint64_t *mfns, size_t nr,
                   void *pages)
{
    memset(pages, 0, nr * FAKE_SIZE);
    for (size_t i = 0; i < nr; i++)
        (void)target_frame(t, mfns[i], (char *)pages + i * FAKE_SIZE);
}

size_t target_write(struct target *t, const struct vcpu_guest_context *ctx,
                    uint64_t va, const void *data, size_t size)
{
    size_t n = part(va, size);

    (void)ctx;
    if (n)
        memcpy(t->memory + (va - FAKE_BASE), data, n);
    return n;
}
