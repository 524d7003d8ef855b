/* Debug registers: the guest's own, loaded while it runs if it uses any. */
#include "pv/internal.h"

#include "hypercall/handlers.h"

#define DR6_RESET        0xffff0ff0ull
#define DR7_RESET        0x400ull
#define DR7_ENABLED      0xffull       /* L0 G0 ... L3 G3 */
#define DR7_GD           (1ull << 13)  /* fault on access to the registers */
#define DR7_WRITABLE     0xffff03ffull /* what exists of the rest */
#define DR7_TYPE(dr7, i) ((dr7) >> (16 + 4 * (i)) & 3)
#define DR7_TYPE_IO      2

static bool is_active(const struct vcpu *v)
{
    return v->pv.dr[7] & DR7_ENABLED;
}

#define WRITE_DR(n, v) __asm__ volatile("mov %0, %%dr" #n ::"r"((uint64_t)(v)))

void debugreg_load(struct vcpu *v)
{
    const uint64_t *dr = v->pv.dr;

    if (likely(!is_active(v)))
        return;
    WRITE_DR(0, dr[0]);
    WRITE_DR(1, dr[1]);
    WRITE_DR(2, dr[2]);
    WRITE_DR(3, dr[3]);
    WRITE_DR(6, DR6_RESET);
    WRITE_DR(7, dr[7]);
}

void debugreg_unload(struct vcpu *v)
{
    if (unlikely(is_active(v)))
        WRITE_DR(7, DR7_RESET);
}

/* Breakpoints on our addresses would tell a guest what we do. */
static bool address_ok(uint64_t va)
{
    return addr_is_canonical(va) &&
           !(va + 7 >= HOST_VA_START && va < HOST_VA_END);
}

static int sanitise_dr7(uint64_t *value)
{
    uint64_t dr7 = *value;

    if (dr7 >> 32)
        return -EINVAL;
    if (dr7 & DR7_GD)
        return -EPERM;
    for (int i = 0; i < 4; i++)
        if (DR7_TYPE(dr7, i) == DR7_TYPE_IO)
            return -EPERM;
    *value = (dr7 & DR7_WRITABLE) | DR7_RESET;
    return 0;
}

/* May `value` go into the register? It is made to fit. */
static int sanitise(unsigned *reg, uint64_t *value)
{
    if (*reg == 4 || *reg == 5) /* old names, while CR4.DE is off */
        *reg += 2;
    if (*reg > 7)
        return -EINVAL;
    if (*reg < 4 && !address_ok(*value))
        return -EPERM;
    if (*reg == 6)
        *value = (*value & 0xe00f) | DR6_RESET;
    return *reg == 7 ? sanitise_dr7(value) : 0;
}

int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
    int rc = sanitise(&reg, &value);

    if (rc)
        return rc;
    if (v == current)
        debugreg_unload(v);
    v->pv.dr[nospec_index(reg, 8)] = value;
    if (v == current)
        debugreg_load(v);
    return 0;
}

/* Those that are on while a debugger has the domain are its: a kernel clears
   all of them when it starts. */
static bool has_debuggers(const struct vcpu *v)
{
    return READ_ONCE(v->domain->debugged) && is_active(v);
}

void debugreg_inherit(struct vcpu *v)
{
    if (!has_debuggers(current))
        return;
    memcpy(v->pv.dr, current->pv.dr, 4 * sizeof(v->pv.dr[0]));
    v->pv.dr[7] = current->pv.dr[7];
}

int pv_guest_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
    int rc = sanitise(&reg, &value);

    if (rc || (reg != 6 && has_debuggers(v)))
        return rc;
    return pv_set_debugreg(v, reg, value);
}

long hc_set_debugreg(struct hc_args *a)
{
    return pv_guest_set_debugreg(current, (uint32_t)MIN(a->arg[0], 8ul),
                                 a->arg[1]);
}

long hc_get_debugreg(struct hc_args *a)
{
    uint64_t reg = a->arg[0];

    if (reg == 4 || reg == 5)
        reg += 2;
    if (reg > 7)
        return -EINVAL;
    return current->pv.dr[nospec_index(reg, 8)];
}
