/* A vCPU's registers in gdb's order for x86-64. Pure. */
#ifndef DOM0_DEBUG_REGS_H
#define DOM0_DEBUG_REGS_H

#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>

/* What gdb is told of them (target.xml): how long it is; 0: no room. */
size_t regs_describe(char *xml, size_t size);

/*
 * All of them as hexadecimal digits, with a NUL: less than 1000 characters. The
 * FPU's are "x": not to be had.
 */
void regs_put(const struct vcpu_guest_context *c, char *hex);
/* And back. 0, or -EINVAL when there are too few. */
int regs_get(struct vcpu_guest_context *c, const char *hex);

/* One by gdb's number. 0 or -EINVAL. */
int regs_put_one(const struct vcpu_guest_context *c, uint64_t nr, char *hex);
int regs_get_one(struct vcpu_guest_context *c, uint64_t nr, const char *hex);

#endif
