/*
 * Breakpoints of a target: software ones are an int3 over the first byte, up to
 * four hardware ones sit in every vCPU's debug registers.
 */
#ifndef DOM0_DEBUG_BREAKS_H
#define DOM0_DEBUG_BREAKS_H

#include "dom0/debug/target.h"

#define BREAKS_MAX      256
#define BREAKS_HARDWARE 4

/* As the remote protocol numbers them. */
enum break_type {
    BREAK_SOFTWARE,
    BREAK_EXECUTE,
    BREAK_WRITE,
    BREAK_READ, /* the processor has no such: reads and writes */
    BREAK_ACCESS
};

struct breaks {
    struct {
        uint64_t address;
        uint8_t original;
    } soft[BREAKS_MAX];
    unsigned int nr_soft;
    struct {
        bool used;
        enum break_type type;
        uint64_t address;
        unsigned int size;
    } hard[BREAKS_HARDWARE];
};

/* 0; -ENOSPC: no more of them; -EFAULT: no memory there; -EINVAL; -Exxx. */
int breaks_insert(struct breaks *b, struct target *t, enum break_type type,
                  uint64_t address, unsigned int size);
/* 0 also for one that is not there. */
int breaks_remove(struct breaks *b, struct target *t, enum break_type type,
                  uint64_t address);
void breaks_remove_all(struct breaks *b, struct target *t);

bool breaks_is_soft(const struct breaks *b, uint64_t address);
/* Which hardware one a DR6 value means; -1: none. */
int breaks_hit(const struct breaks *b, uint64_t dr6);
/* Memory as the kernel has it, without our int3. */
void breaks_hide(const struct breaks *b, uint64_t address, uint8_t *data,
                 size_t size);

#endif
