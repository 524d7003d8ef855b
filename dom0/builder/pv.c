/* Fill a PV guest: memory, kernel, tables, first vcpu. */
#include "dom0/builder/fill.h"
#include "dom0/builder/pagetable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xen/grant_table.h>

int fill_refused(const struct fill *f, int rc, const char *what)
{
    return builder_fail(f->err, rc, "The hypervisor refused to %s: %s.", what,
                        strerror(-rc));
}

/* --- the plan ------------------------------------------------------------ */

static uint64_t mib_up(uint64_t pages)
{
    return (pages + 255) / 256;
}

int pv_plan(const struct domconfig *cfg, const struct image *kernel,
            const struct image *ramdisk, struct pv_plan *plan,
            struct builder_error *err)
{
    struct pv_kernel *k = &plan->kernel;
    struct pv_layout *l = &plan->layout;
    const char *why = elf_parse_kernel(kernel->data, kernel->size, k);

    if (why)
        return builder_fail(err, -EINVAL,
                            "The kernel %s cannot be a PV guest's: %s.",
                            kernel->path, why);
    *l = (struct pv_layout){
        .virt_base = k->virt_base,
        .kernel_end = k->end,
        .nr_pages = cfg->memory_kib / 4,
        .ramdisk_size = ramdisk ? ramdisk->size : 0,
        .ramdisk_unmapped = k->mod_start_pfn,
        .p2m_outside = k->has_p2m_base,
        .p2m_base = k->p2m_base,
    };
    why = layout_place(l);
    if (why)
        return builder_fail(err, -EINVAL, "The kernel %s cannot be loaded: %s.",
                            kernel->path, why);
    if (l->end_pfn > l->nr_pages)
        return builder_fail(
            err, -ENOMEM,
            "The kernel%s of %s need%s %llu MiB but the guest has only %llu "
            "MiB: raise `memory'.",
            ramdisk ? " and the ramdisk" : "", cfg->name, ramdisk ? "" : "s",
            (unsigned long long)mib_up(l->end_pfn),
            (unsigned long long)(cfg->memory_kib >> 10));
    if (strlen(cfg->cmdline) >= MAX_GUEST_CMDLINE)
        return builder_fail(err, -E2BIG,
                            "The command line of %s is too long (%zu of at "
                            "most %d bytes).",
                            cfg->name, strlen(cfg->cmdline),
                            MAX_GUEST_CMDLINE - 1);
    return 0;
}

/* --- contents ------------------------------------------------------------ */

static int copy_ramdisk(const struct fill *f, const struct window *w)
{
    size_t size = f->ramdisk->size, rest = size % PV_PAGE_SIZE;
    uint8_t *to = window_page(w, f->l->ramdisk_pfn);
    int rc = image_read(f->ramdisk, 0, to, size);

    if (rc)
        return builder_fail(f->err, rc, "The ramdisk %s cannot be read: %s.",
                            f->ramdisk->path, strerror(-rc));
    if (rest)
        memset(to + size, 0, PV_PAGE_SIZE - rest);
    return 0;
}

static void copy_frame_list(const struct fill *f, const struct window *w)
{
    const struct pv_layout *l = f->l;
    size_t size = l->nr_pages * sizeof(uint64_t);
    uint8_t *to = window_page(w, l->p2m_pfn);

    memcpy(to, f->p2m, size);
    /* What is no page has no frame. */
    memset(to + size, 0xff, l->nr_p2m * PV_PAGE_SIZE - size);
}

static void write_start_info(const struct fill *f, const struct window *w)
{
    const struct pv_layout *l = f->l;
    struct start_info *si = window_page(w, l->start_info_pfn);

    memset(si, 0, PV_PAGE_SIZE);
    memcpy(si->magic, f->b->guest_type, sizeof(si->magic));
    si->nr_pages = l->nr_pages;
    si->shared_info = f->shared_info_mfn << 12;
    si->store_mfn = f->out->store_mfn;
    si->store_evtchn = f->out->store_port;
    si->console.domU.mfn = f->out->console_mfn;
    si->console.domU.evtchn = f->out->console_port;
    si->pt_base = layout_va(l, l->pt_pfn);
    si->nr_pt_frames = l->nr_pt;
    si->mfn_list = l->p2m_va;
    if (l->p2m_outside) {
        si->first_p2m_pfn = l->p2m_pfn;
        si->nr_p2m_frames = l->nr_p2m + l->nr_p2m_pt;
    }
    if (f->ramdisk) {
        si->flags |= l->ramdisk_unmapped ? SIF_MOD_START_PFN : 0;
        si->mod_start =
            l->ramdisk_unmapped ? l->ramdisk_pfn : layout_va(l, l->ramdisk_pfn);
        si->mod_len = f->ramdisk->size;
    }
    strncpy((char *)si->cmd_line, f->cfg->cmdline, MAX_GUEST_CMDLINE - 1);
}

static void zero_pages(const struct window *w, uint64_t pfn, uint64_t nr)
{
    while (nr--)
        page_zero(window_page(w, pfn++));
}

static void fill_tables(const struct fill *f, const struct window *in,
                        const struct window *out)
{
    const struct pv_layout *l = f->l;

    zero_pages(in, l->store_pfn, 1);
    zero_pages(in, l->console_pfn, 1);
    zero_pages(in, l->stack_pfn, 1);
    zero_pages(in, l->pt_pfn, l->nr_pt);
    if (l->nr_p2m_pt)
        zero_pages(out, l->p2m_pt_pfn, l->nr_p2m_pt);
    pagetable_build(l, f->p2m, window_page(in, l->pt_pfn),
                    l->nr_p2m_pt ? window_page(out, l->p2m_pt_pfn) : NULL);
}

/*
 * Through three windows: the kernel, what follows it in the first mapping up
 * to the stack, and what is outside of that.
 */
static int fill_memory(const struct fill *f, struct timespec *mark)
{
    const struct pv_layout *l = f->l;
    uint64_t behind = (f->k->end - l->virt_base) / PV_PAGE_SIZE;
    uint64_t outer = (l->end_va - l->virt_base) / PV_PAGE_SIZE;
    struct window kernel = {0}, in = {0}, out = {0};
    int rc = fill_open_kernel(f, &kernel);

    if (!rc)
        rc = window_open(f, &in, behind, l->stack_pfn + 1);
    if (!rc && l->end_pfn > outer)
        rc = window_open(f, &out, outer, l->end_pfn);
    f->out->us.map = builder_lap(mark);
    if (rc)
        goto close;
    fill_copy_kernel(f, &kernel);
    f->out->us.kernel = builder_lap(mark);
    if (f->ramdisk)
        rc = copy_ramdisk(f, l->ramdisk_unmapped ? &out : &in);
    f->out->us.ramdisk = builder_lap(mark);
    if (rc)
        goto close;
    copy_frame_list(f, l->p2m_outside ? &out : &in);
    write_start_info(f, &in);
    fill_tables(f, &in, &out);
    f->out->us.tables = builder_lap(mark);

close:
    /* Before the tables are pinned nobody may hold them writable. */
    window_close(f, &out);
    window_close(f, &in);
    window_close(f, &kernel);
    f->out->us.unmap = builder_lap(mark);
    return rc;
}

/* --- what is not memory -------------------------------------------------- */

static int fill_shared_info(const struct fill *f)
{
    xen_pfn_t mfn = f->shared_info_mfn;
    struct shared_info *si;
    void *at;
    int rc =
        fmem_map(f->b->fm, f->out->domid, PROT_READ | PROT_WRITE, 1, &mfn, &at);

    if (rc)
        return fill_refused(f, rc, "show the guest's shared page");
    si = at;
    memset(si, 0, PV_PAGE_SIZE);
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        si->vcpu_info[i].evtchn_upcall_mask = 1;
    fmem_unmap(f->b->fm, at, 1);
    return 0;
}

static void grant(volatile struct grant_entry_v1 *e, uint32_t domid,
                  uint64_t mfn)
{
    e->domid = (domid_t)domid;
    e->frame = (uint32_t)mfn;
    /* The flags make the rest valid: they come last. */
    __sync_synchronize();
    e->flags = GTF_permit_access;
}

/* So that the store and the console daemon need no right to all memory. */
static int seed_grants(const struct fill *f)
{
    const struct built_domain *d = f->out;
    struct fmem_resource *res;
    void *at;
    int rc = fmem_resource_map(f->b->fm, d->domid, XENMEM_resource_grant_table,
                               XENMEM_resource_grant_table_id_shared, 0, 1,
                               PROT_READ | PROT_WRITE, &res, &at);

    if (rc)
        return fill_refused(f, rc, "show the guest's grant table");
    grant((struct grant_entry_v1 *)at + GNTTAB_RESERVED_CONSOLE,
          d->console_domid, d->console_mfn);
    grant((struct grant_entry_v1 *)at + GNTTAB_RESERVED_XENSTORE,
          d->store_domid, d->store_mfn);
    fmem_resource_unmap(f->b->fm, res);
    return 0;
}

static int start_vcpu(const struct fill *f)
{
    const struct pv_layout *l = f->l;
    struct vcpu_guest_context *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return builder_fail(f->err, -ENOMEM,
                            "There is no memory left in "
                            "dom0.");
    c->flags = VGCF_in_kernel | VGCF_online;
    c->user_regs.rip = f->k->entry;
    c->user_regs.rsp = layout_va(l, l->stack_pfn + 1);
    c->user_regs.rsi = layout_va(l, l->start_info_pfn);
    c->user_regs.rflags = 1u << 9; /* interrupts on */
    c->user_regs.cs = FLAT_KERNEL_CS64;
    c->user_regs.ss = FLAT_KERNEL_SS64;
    c->user_regs.ds = c->user_regs.es = FLAT_KERNEL_DS64;
    c->user_regs.fs = c->user_regs.gs = FLAT_KERNEL_DS64;
    c->kernel_ss = c->user_regs.ss;
    c->kernel_sp = c->user_regs.rsp;
    c->ctrlreg[3] = xen_pfn_to_cr3(f->p2m[l->pt_pfn]);
    c->debugreg[6] = 0xffff0ff0;
    c->debugreg[7] = 0x400;
    rc = hv_vcpu_set_context(f->b->hv, f->out->domid, 0, c);
    free(c);
    return rc ? fill_refused(f, rc, "take the guest's first registers") : 0;
}

static int fill_hypercall_page(const struct fill *f)
{
    uint64_t pfn = (f->k->hypercall_page - f->k->virt_base) / PV_PAGE_SIZE;
    int rc;

    if (!f->k->has_hypercall_page)
        return 0;
    rc = hv_domain_hypercall_page(f->b->hv, f->out->domid, f->p2m[pfn]);
    return rc ? fill_refused(f, rc, "fill the guest's hypercall page") : 0;
}

static int ask_shared_info(struct fill *f)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(f->b->hv, f->out->domid, &info);

    if (rc)
        return fill_refused(f, rc, "describe the new domain");
    f->shared_info_mfn = info.shared_info_frame;
    return 0;
}

static int start(const struct fill *f)
{
    int rc = fill_hypercall_page(f);

    if (rc)
        return rc;
    rc = hv_mmuext_pin(f->b->hv, f->out->domid, MMUEXT_PIN_L4_TABLE,
                       f->p2m[f->l->pt_pfn]);
    if (rc)
        return fill_refused(f, rc, "accept the guest's page tables");
    rc = fill_shared_info(f);
    if (!rc)
        rc = start_vcpu(f);
    if (!rc)
        rc = seed_grants(f);
    return rc;
}

int pv_fill(struct builder *b, const struct domconfig *cfg,
            const struct pv_plan *plan, const struct image *kernel,
            const struct image *ramdisk, struct built_domain *out,
            struct builder_error *err)
{
    struct fill f = {
        .b = b,
        .cfg = cfg,
        .k = &plan->kernel,
        .l = &plan->layout,
        .kernel = kernel,
        .ramdisk = ramdisk,
        .out = out,
        .err = err,
    };
    struct timespec mark;
    int rc;

    f.p2m = malloc(f.l->nr_pages * sizeof(*f.p2m));
    if (!f.p2m)
        return builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
    clock_gettime(CLOCK_MONOTONIC, &mark);
    rc = fill_give_memory(&f);
    out->us.memory = builder_lap(&mark);
    if (!rc)
        rc = ask_shared_info(&f);
    if (rc)
        goto free;
    out->nr_pages = f.l->nr_pages;
    out->store_mfn = f.p2m[f.l->store_pfn];
    out->console_mfn = f.p2m[f.l->console_pfn];
    rc = fill_memory(&f, &mark);
    if (!rc)
        rc = start(&f);
    out->us.start = builder_lap(&mark);

free:
    free(f.p2m);
    return rc;
}
