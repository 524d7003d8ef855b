#include "dom0/debug/breaks.h"

#include <errno.h>

enum { INT3 = 0xcc };

/* --- software --------------------------------------------------------------*/

static int soft_find(const struct breaks *b, uint64_t address)
{
    for (unsigned int i = 0; i < b->nr_soft; i++)
        if (b->soft[i].address == address)
            return (int)i;
    return -1;
}

bool breaks_is_soft(const struct breaks *b, uint64_t address)
{
    return soft_find(b, address) >= 0;
}

/* The kernel's addresses mean the same on every vCPU: take the first. */
static int poke(struct target *t, uint64_t address, uint8_t *byte, bool write)
{
    struct vcpu_guest_context c;
    int rc = target_registers(t, 0, &c);

    if (rc)
        return rc;
    return (write ? target_write(t, &c, address, byte, 1)
                  : target_read(t, &c, address, byte, 1)) == 1
               ? 0
               : -EFAULT;
}

static int soft_insert(struct breaks *b, struct target *t, uint64_t address)
{
    uint8_t original, byte = INT3;
    int rc;

    if (breaks_is_soft(b, address))
        return 0;
    if (b->nr_soft == BREAKS_MAX)
        return -ENOSPC;
    rc = poke(t, address, &original, false);
    if (!rc)
        rc = poke(t, address, &byte, true);
    if (rc)
        return rc;
    b->soft[b->nr_soft].address = address;
    b->soft[b->nr_soft++].original = original;
    return 0;
}

static int soft_remove(struct breaks *b, struct target *t, uint64_t address)
{
    int i = soft_find(b, address), rc;

    if (i < 0)
        return 0;
    rc = poke(t, address, &b->soft[i].original, true);
    b->soft[i] = b->soft[--b->nr_soft];
    return rc;
}

void breaks_hide(const struct breaks *b, uint64_t address, uint8_t *data,
                 size_t size)
{
    for (unsigned int i = 0; i < b->nr_soft; i++)
        if (b->soft[i].address - address < size)
            data[b->soft[i].address - address] = b->soft[i].original;
}

/* --- hardware --------------------------------------------------------------*/

static uint64_t control(const struct breaks *b)
{
    /* Bits 16.. : what to break on (0 execute, 1 write, 3 access), how long. */
    static const uint64_t kind[] = {[BREAK_EXECUTE] = 0,
                                    [BREAK_WRITE] = 1,
                                    [BREAK_READ] = 3,
                                    [BREAK_ACCESS] = 3};
    uint64_t dr7 = 0;

    for (unsigned int i = 0; i < BREAKS_HARDWARE; i++) {
        uint64_t size;

        if (!b->hard[i].used)
            continue;
        size = b->hard[i].type == BREAK_EXECUTE ? 1 : b->hard[i].size;
        size = size == 8 ? 2 : size - 1;
        dr7 |= 1ull << (2 * i);
        dr7 |= (kind[b->hard[i].type] | size << 2) << (16 + 4 * i);
    }
    return dr7;
}

static int hard_apply(const struct breaks *b, struct target *t)
{
    struct vcpu_guest_context c;
    int rc = 0;

    for (unsigned int v = 0; !rc && v < target_nr_vcpus(t); v++) {
        if (target_registers(t, v, &c))
            continue; /* never started */
        for (unsigned int i = 0; i < BREAKS_HARDWARE; i++)
            c.debugreg[i] = b->hard[i].used ? b->hard[i].address : 0;
        c.debugreg[6] = 0;
        c.debugreg[7] = control(b);
        rc = target_set_registers(t, v, &c);
    }
    return rc;
}

static int hard_insert(struct breaks *b, struct target *t, enum break_type type,
                       uint64_t address, unsigned int size)
{
    unsigned int i = 0;
    int rc;

    if (type != BREAK_EXECUTE &&
        ((size != 1 && size != 2 && size != 4 && size != 8) || address % size))
        return -EINVAL;
    while (i < BREAKS_HARDWARE && b->hard[i].used)
        i++;
    if (i == BREAKS_HARDWARE)
        return -ENOSPC;
    b->hard[i].used = true;
    b->hard[i].type = type;
    b->hard[i].address = address;
    b->hard[i].size = size;
    rc = hard_apply(b, t);
    if (rc)
        b->hard[i].used = false;
    return rc;
}

static int hard_remove(struct breaks *b, struct target *t, enum break_type type,
                       uint64_t address)
{
    bool found = false;

    for (unsigned int i = 0; i < BREAKS_HARDWARE; i++) {
        if (!b->hard[i].used || b->hard[i].type != type ||
            b->hard[i].address != address)
            continue;
        b->hard[i].used = false;
        found = true;
    }
    return found ? hard_apply(b, t) : 0;
}

int breaks_hit(const struct breaks *b, uint64_t dr6)
{
    for (int i = 0; i < BREAKS_HARDWARE; i++)
        if (b->hard[i].used && dr6 >> i & 1)
            return i;
    return -1;
}

/* --- both ------------------------------------------------------------------*/

int breaks_insert(struct breaks *b, struct target *t, enum break_type type,
                  uint64_t address, unsigned int size)
{
    if (type == BREAK_SOFTWARE)
        return soft_insert(b, t, address);
    return hard_insert(b, t, type, address, size);
}

int breaks_remove(struct breaks *b, struct target *t, enum break_type type,
                  uint64_t address)
{
    if (type == BREAK_SOFTWARE)
        return soft_remove(b, t, address);
    return hard_remove(b, t, type, address);
}

void breaks_remove_all(struct breaks *b, struct target *t)
{
    bool any = false;

    while (b->nr_soft)
        (void)soft_remove(b, t, b->soft[0].address);
    for (unsigned int i = 0; i < BREAKS_HARDWARE; i++) {
        any |= b->hard[i].used;
        b->hard[i].used = false;
    }
    if (any)
        (void)hard_apply(b, t);
}
