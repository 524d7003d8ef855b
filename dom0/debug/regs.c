#include "dom0/debug/regs.h"

#include "dom0/debug/packet.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Where each lies, how long it is there, and how long gdb has it. */
static const struct {
    uint16_t offset;
    uint8_t size, shown;
    bool fixed; /* setting it is ignored */
} regs[] = {
#define R(field, shown, fixed)                                                 \
    {                                                                          \
        offsetof(struct cpu_user_regs, field),                                 \
            sizeof(((struct cpu_user_regs *)0)->field), shown, fixed           \
    }
    R(rax, 8, false), R(rbx, 8, false),    R(rcx, 8, false), R(rdx, 8, false),
    R(rsi, 8, false), R(rdi, 8, false),    R(rbp, 8, false), R(rsp, 8, false),
    R(r8, 8, false),  R(r9, 8, false),     R(r10, 8, false), R(r11, 8, false),
    R(r12, 8, false), R(r13, 8, false),    R(r14, 8, false), R(r15, 8, false),
    R(rip, 8, false), R(rflags, 4, false), R(cs, 4, true),   R(ss, 4, true),
    R(ds, 4, true),   R(es, 4, true),      R(fs, 4, true),   R(gs, 4, true),
#undef R
};

enum { NR_REGS = sizeof(regs) / sizeof(regs[0]) };

static char *put(const struct vcpu_guest_context *c, unsigned int i, char *hex)
{
    uint64_t value = 0;

    memcpy(&value, (const char *)&c->user_regs + regs[i].offset, regs[i].size);
    return packet_put_hex(hex, &value, regs[i].shown);
}

static int get(struct vcpu_guest_context *c, unsigned int i, const char *hex)
{
    uint64_t value = 0;

    if (packet_get_hex(hex, &value, regs[i].shown) != regs[i].shown)
        return -EINVAL;
    if (regs[i].fixed)
        return 0;
    /* The upper half of the flags, which gdb does not have, is zero. */
    memcpy((char *)&c->user_regs + regs[i].offset, &value, regs[i].size);
    return 0;
}

void regs_put(const struct vcpu_guest_context *c, char *hex)
{
    for (unsigned int i = 0; i < NR_REGS; i++)
        hex = put(c, i, hex);
}

int regs_get(struct vcpu_guest_context *c, const char *hex)
{
    int rc = 0;

    for (unsigned int i = 0; !rc && i < NR_REGS; i++) {
        rc = get(c, i, hex);
        hex += regs[i].shown * 2;
    }
    return rc;
}

int regs_put_one(const struct vcpu_guest_context *c, uint64_t nr, char *hex)
{
    if (nr >= NR_REGS)
        return -EINVAL;
    put(c, (unsigned int)nr, hex);
    return 0;
}

int regs_get_one(struct vcpu_guest_context *c, uint64_t nr, const char *hex)
{
    return nr < NR_REGS ? get(c, (unsigned int)nr, hex) : -EINVAL;
}
