/* The registers of a guest that crashed, for whoever mends it. */
#include "pv/pv.h"

#include "domain/domain.h"

void pv_dump_registers(struct vcpu *v)
{
    const struct cpu_user_regs *r = pv_regs(v);

    log_err("d%uv%u %s mode, trap %x error %x\n", v->domain->id, v->id,
            v->pv.kernel_mode ? "kernel" : "user", r->entry_vector,
            r->error_code);
    log_err("rip %04x:%016lx rsp %04x:%016lx rflags %08lx\n", r->cs,
            (unsigned long)r->rip, r->ss, (unsigned long)r->rsp,
            (unsigned long)r->rflags);
    log_err("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n",
            (unsigned long)r->rax, (unsigned long)r->rbx, (unsigned long)r->rcx,
            (unsigned long)r->rdx);
    log_err("rsi %016lx rdi %016lx rbp %016lx  r8 %016lx\n",
            (unsigned long)r->rsi, (unsigned long)r->rdi, (unsigned long)r->rbp,
            (unsigned long)r->r8);
    log_err(" r9 %016lx r10 %016lx r11 %016lx r12 %016lx\n",
            (unsigned long)r->r9, (unsigned long)r->r10, (unsigned long)r->r11,
            (unsigned long)r->r12);
    log_err("r13 %016lx r14 %016lx r15 %016lx cr2 %016lx\n",
            (unsigned long)r->r13, (unsigned long)r->r14, (unsigned long)r->r15,
            (unsigned long)v->info->arch.cr2);
}
