/* The registers of a guest that crashed, for whoever mends it. */
#include "pv/pv.h"

#include "cpu/trap.h"
#include "domain/domain.h"

void pv_dump_registers(struct vcpu *v)
{
    const struct cpu_user_regs *r = pv_regs(v);

    log_err("d%uv%u %s mode, trap %x error %x\n", v->domain->id, v->id,
            v->pv.kernel_mode ? "kernel" : "user", r->entry_vector,
            r->error_code);
    regs_dump(r, v->info->arch.cr2);
}
