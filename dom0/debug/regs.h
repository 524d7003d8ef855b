/* A vCPU's registers in gdb's order for x86-64. Pure. */
#ifndef DOM0_DEBUG_REGS_H
#define DOM0_DEBUG_REGS_H

#include <stdint.h>

#include <xen/xen.h>

/* All of them as hexadecimal digits, with a NUL: at most 400 characters. */
void regs_put(const struct vcpu_guest_context *c, char *hex);
/* And back. 0, or -EINVAL when there are too few. */
int regs_get(struct vcpu_guest_context *c, const char *hex);

/* One by gdb's number. 0 or -EINVAL. */
int regs_put_one(const struct vcpu_guest_context *c, uint64_t nr, char *hex);
int regs_get_one(struct vcpu_guest_context *c, uint64_t nr, const char *hex);

#endif
