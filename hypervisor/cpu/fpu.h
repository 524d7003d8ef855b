/* Floating point and vector state: switched eagerly, whole, by XSAVE. */
#ifndef CPU_FPU_H
#define CPU_FPU_H

#include "cpu/cpu.h"

struct vcpu;

int fpu_vcpu_init(struct vcpu *v); /* reset state; -ENOMEM */
void fpu_vcpu_free(struct vcpu *v);
void fpu_save(struct vcpu *v);
void fpu_restore(struct vcpu *v);
/* The XSETBV a guest asked for; -EINVAL when XCR0 may not hold it. */
int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0);
/* Load the legacy 512-byte image of a vcpu_guest_context into v's state. */
void fpu_load_legacy(struct vcpu *v, const void *fxsave_image);
void fpu_store_legacy(const struct vcpu *v, void *fxsave_image);

#endif
