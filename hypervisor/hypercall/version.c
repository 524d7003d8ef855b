/* xen_version: who we are, in the words of the ABI that we speak. */
#include "hypercall/hypercall.h"
#include "hypercall/handlers.h"
#include "domain/domain.h"
#include "mm/guestcopy.h"

#include <xen/features.h>
#include <xen/version.h>

#define ABI_VERSION (4 << 16 | 17)

static const xen_extraversion_t extraversion = ".7-paravane";
static const xen_capabilities_info_t capabilities = "xen-3.0-x86_64 ";
static const xen_changeset_info_t changeset = "paravane";
static const struct xen_compile_info compile_info = {
    .compiler = "C " __VERSION__,
    .compile_by = "paravane",
};
static const xen_commandline_t denied = "<denied>";
static xen_commandline_t cmdline;

void version_set_cmdline(const char *s)
{
    str_copy(cmdline, s, sizeof(cmdline));
}

#define FEATURE(name) (1u << XENFEAT_##name)

static uint32_t features_of(const struct domain *d)
{
    uint32_t f = FEATURE(mmu_pt_update_preserve_ad) | FEATURE(highmem_assist) |
                 FEATURE(gnttab_map_avail_bits) |
                 FEATURE(memory_op_vnode_supported) | FEATURE(direct_mapped);

    if (d->privileged)
        f |= FEATURE(dom0);
    if (d->privileged || d->vm_assist >> VMASST_TYPE_pae_extended_cr3 & 1)
        f |= FEATURE(pae_pgdir_above_4gb);
    return f;
}

static long get_features(void *arg)
{
    struct xen_feature_info fi;

    if (copy_from_guest(&fi, arg, sizeof(fi)))
        return -EFAULT;
    if (fi.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    fi.submap = features_of(current->domain);
    return copy_to_guest(arg, &fi, sizeof(fi));
}

static __attribute__((noinline)) long other_questions(struct hc_args *a)
{
    void *arg = (void *)a->arg[1];
    const struct domain *d = current->domain;
    struct xen_platform_parameters params = {.virt_start =
                                                 __HYPERVISOR_VIRT_START};

    switch (a->arg[0]) {
    case XENVER_extraversion:
        return copy_to_guest(arg, extraversion, sizeof(extraversion));
    case XENVER_compile_info:
        return copy_to_guest(arg, &compile_info, sizeof(compile_info));
    case XENVER_capabilities:
        return copy_to_guest(arg, capabilities, sizeof(capabilities));
    case XENVER_changeset:
        return copy_to_guest(arg, changeset, sizeof(changeset));
    case XENVER_platform_parameters:
        return copy_to_guest(arg, &params, sizeof(params));
    case XENVER_get_features:
        return get_features(arg);
    case XENVER_pagesize:
        return arg ? -EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        return copy_to_guest(arg, d->handle, sizeof(d->handle));
    case XENVER_commandline:
        return copy_to_guest(arg, d->privileged ? cmdline : denied,
                             sizeof(cmdline));
    case XENVER_build_id:
        return d->privileged ? -ENODATA : -EPERM;
    default:
        return -ENOSYS;
    }
}

long hc_xen_version(struct hc_args *a)
{
    /* A plain question is also how a guest asks for its pending events. */
    if (likely(a->arg[0] == XENVER_version))
        return ABI_VERSION;
    return other_questions(a);
}
