#include "cpu/feature.h"
#include "domain/domain.h"
#include "hypercall/handlers.h"
#include "mm/guestcopy.h"
#include "pci/internal.h"
#include "pci/pci.h"
#include "time/clock.h"

#include <xen/arch-x86/xen-mca.h>

static int op_settime32(struct xen_platform_op *op)
{
    struct xenpf_settime32 *s = &op->u.settime32;

    wallclock_set(s->secs, s->nsecs, s->system_time);
    return 0;
}

static int op_settime64(struct xen_platform_op *op)
{
    struct xenpf_settime64 *s = &op->u.settime64;

    if (s->mbz || s->nsecs >= NS_PER_SEC)
        return -EINVAL;
    wallclock_set(s->secs, s->nsecs, s->system_time);
    return 0;
}

static int op_get_cpuinfo(struct xen_platform_op *op)
{
    struct xenpf_pcpuinfo *info = &op->u.pcpu_info;
    unsigned cpu = info->xen_cpuid;

    info->max_present = nr_cpus - 1;
    if (cpu >= nr_cpus || !(cpu_online & CPUMASK_OF(cpu))) {
        info->flags = XEN_PCPU_FLAGS_INVALID;
        return 0;
    }
    info->flags = XEN_PCPU_FLAGS_ONLINE;
    info->apic_id = cpu_apic_id[cpu];
    info->acpi_id = cpu_acpi_id[cpu];
    return 0;
}

static int op_get_cpu_version(struct xen_platform_op *op)
{
    struct xenpf_pcpu_version *ver = &op->u.pcpu_version;
    struct cpuid_regs r = cpuid(1, 0);

    ver->max_present = nr_cpus - 1;
    if (ver->xen_cpuid >= nr_cpus)
        return 0;
    memcpy(ver->vendor_id, cpu_vendor, sizeof(ver->vendor_id));
    ver->family = (r.eax >> 8 & 15) + (r.eax >> 20 & 0xff);
    ver->model = (r.eax >> 4 & 15) | (r.eax >> 12 & 0xf0);
    ver->stepping = r.eax & 15;
    return 0;
}

static int op_enter_acpi_sleep(struct xen_platform_op *op)
{
    struct xenpf_enter_acpi_sleep *s = &op->u.enter_acpi_sleep;

    /* Suspend to RAM is not offered; the extended registers neither. */
    if (s->sleep_state != 5 || s->flags)
        return -EOPNOTSUPP;
    return acpi_enter_s5(s->val_a, s->val_b);
}

long hc_platform_op(struct hc_args *a)
{
    struct xen_platform_op op, *guest = (void *)a->arg[0];
    int rc;

    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (copy_from_guest(&op, guest, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -EACCES;
    switch (op.cmd) {
    case XENPF_settime32:
        return op_settime32(&op);
    case XENPF_settime64:
        return op_settime64(&op);
    case XENPF_enter_acpi_sleep:
        return op_enter_acpi_sleep(&op);
    case XENPF_firmware_info:
        rc = firmware_info(&op.u.firmware_info);
        break;
    case XENPF_get_cpuinfo:
        rc = op_get_cpuinfo(&op);
        break;
    case XENPF_get_cpu_version:
        rc = op_get_cpu_version(&op);
        break;
    default:
        return -ENOSYS;
    }
    if (!rc && copy_to_guest(guest, &op, sizeof(op)))
        rc = -EFAULT;
    return rc;
}

/* Machine checks: we log fatal ones ourselves and keep no telemetry. */
long hc_mca(struct hc_args *a)
{
    struct xen_mc mc, *guest = (void *)a->arg[0];

    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (copy_from_guest(&mc, guest, sizeof(mc)))
        return -EFAULT;
    if (mc.interface_version != XEN_MCA_INTERFACE_VERSION)
        return -EACCES;
    if (mc.cmd != XEN_MC_fetch)
        return -ENOSYS;
    mc.u.mc_fetch.flags = XEN_MC_NODATA;
    mc.u.mc_fetch.fetch_id = 0;
    return copy_to_guest(guest, &mc, sizeof(mc)) ? -EFAULT : 0;
}
