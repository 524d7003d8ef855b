/* Fill a PV guest: memory, kernel, tables, first vcpu. */
#include "dom0/builder/internal.h"
#include "dom0/builder/pagetable.h"

#include <emmintrin.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xen/grant_table.h>

#define SUPERPAGE_ORDER 9
#define SUPERPAGE       (1ul << SUPERPAGE_ORDER)
#define SMALL_BATCH     4096ul

/* A guest being filled. */
struct fill {
    struct builder *b;
    const struct domconfig *cfg;
    const struct pv_kernel *k;
    const struct pv_layout *l;
    const struct image *kernel, *ramdisk;
    struct built_domain *out;
    struct builder_error *err;

    xen_pfn_t *p2m; /* machine frame of each page */
    uint64_t shared_info_mfn;
};

/* Guest pages [pfn, pfn + nr) mapped here, or some of them: */
struct window {
    uint64_t pfn, nr;
    uint8_t *at;
    uint32_t *place; /* of page pfn + i: 1 + its place in the mapping, 0: it is
                        not there; NULL: all are, in order */
    uint64_t nr_mapped;
};

static int fail(const struct fill *f, int rc, const char *what)
{
    return builder_fail(f->err, rc, "The hypervisor refused to %s: %s.", what,
                        strerror(-rc));
}

/* --- the plan ----------------------------------------------------------------
 */

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

/* --- memory ------------------------------------------------------------------
 */

static int no_memory(const struct fill *f)
{
    struct xen_sysctl_physinfo info;
    uint64_t free_mib = 0;

    if (!hv_physinfo(f->b->hv, &info))
        free_mib = (info.free_pages - info.outstanding_pages) >> 8;
    return builder_fail(f->err, -ENOMEM,
                        "There is not enough free memory for %s: it needs "
                        "%llu MiB, about %llu MiB are free.",
                        f->cfg->name, (unsigned long long)(f->l->nr_pages >> 8),
                        (unsigned long long)free_mib);
}

/* As many superpages as there are, *done pages of them. */
static int populate_large(const struct fill *f, uint64_t *done)
{
    uint64_t nr = f->l->nr_pages / SUPERPAGE;
    xen_pfn_t *frames;
    long got;

    *done = 0;
    if (!nr)
        return 0;
    frames = malloc(nr * sizeof(*frames));
    if (!frames)
        return -ENOMEM;
    for (uint64_t i = 0; i < nr; i++)
        frames[i] = i * SUPERPAGE;
    got = hv_memory_populate(f->b->hv, f->out->domid, SUPERPAGE_ORDER, 0,
                             frames, nr);
    for (long i = 0; i < got; i++)
        for (uint64_t j = 0; j < SUPERPAGE; j++)
            f->p2m[(uint64_t)i * SUPERPAGE + j] = frames[i] + j;
    free(frames);
    if (got > 0)
        *done = (uint64_t)got * SUPERPAGE;
    return got < 0 ? (int)got : 0;
}

static int populate_small(const struct fill *f, uint64_t from)
{
    while (from < f->l->nr_pages) {
        uint64_t nr = f->l->nr_pages - from;
        long got;

        if (nr > SMALL_BATCH)
            nr = SMALL_BATCH;
        for (uint64_t i = 0; i < nr; i++)
            f->p2m[from + i] = from + i;
        got = hv_memory_populate(f->b->hv, f->out->domid, 0, 0, f->p2m + from,
                                 nr);
        if (got < 0)
            return (int)got;
        if ((uint64_t)got < nr)
            return -ENOMEM;
        from += nr;
    }
    return 0;
}

/*
 * The claim makes sure of it all first, so that two builds at a time do not
 * both fail halfway. It ends with the last page, at the latest.
 */
static int give_memory(const struct fill *f)
{
    struct hv_e820 map = {.size = f->cfg->maxmem_kib << 10, .type = 1};
    uint32_t domid = f->out->domid;
    uint64_t done;
    int rc;

    rc = hv_domain_set_max_mem(f->b->hv, domid, f->cfg->memory_kib + 1024);
    if (rc)
        return fail(f, rc, "set the guest's memory limit");
    rc = hv_memory_set_map(f->b->hv, domid, &map, 1);
    if (rc)
        return fail(f, rc, "take the guest's memory map");
    rc = hv_memory_claim(f->b->hv, domid, f->l->nr_pages);
    if (rc == -ENOMEM)
        return no_memory(f);
    if (rc && rc != -ENOSYS)
        return fail(f, rc, "reserve the guest's memory");

    rc = populate_large(f, &done);
    if (!rc)
        rc = populate_small(f, done);
    if (rc == -ENOMEM)
        return no_memory(f);
    if (rc)
        return fail(f, rc, "give the guest memory");
    rc = hv_memory_claim(f->b->hv, domid, 0);
    if (rc && rc != -ENOSYS)
        return fail(f, rc, "end the memory reservation");
    return 0;
}

/* --- contents ----------------------------------------------------------------
 */

static int map_frames(const struct fill *f, struct window *w,
                      const xen_pfn_t *mfns)
{
    void *at;
    int rc = fmem_map(f->b->fm, f->out->domid, PROT_READ | PROT_WRITE,
                      w->nr_mapped, mfns, &at);

    if (rc)
        return builder_fail(f->err, rc,
                            "The guest's memory cannot be mapped: %s.",
                            strerror(-rc));
    w->at = at;
    return 0;
}

static int open_window(const struct fill *f, struct window *w, uint64_t first,
                       uint64_t end)
{
    *w = (struct window){
        .pfn = first, .nr = end - first, .nr_mapped = end - first};
    return map_frames(f, w, f->p2m + first);
}

/* Only the pages whose `place` is not 0. Takes it over. */
static int open_window_of(const struct fill *f, struct window *w,
                          uint64_t first, uint64_t nr, uint32_t *place)
{
    xen_pfn_t *mfns = malloc(nr * sizeof(*mfns));
    int rc;

    *w = (struct window){.pfn = first, .nr = nr, .place = place};
    if (!mfns)
        return builder_fail(f->err, -ENOMEM,
                            "There is no memory left in "
                            "dom0.");
    for (uint64_t i = 0; i < nr; i++)
        if (place[i]) {
            mfns[w->nr_mapped++] = f->p2m[first + i];
            place[i] = (uint32_t)w->nr_mapped;
        }
    rc = w->nr_mapped ? map_frames(f, w, mfns) : 0;
    free(mfns);
    return rc;
}

static void close_window(const struct fill *f, struct window *w)
{
    if (w->at)
        fmem_unmap(f->b->fm, w->at, w->nr_mapped);
    free(w->place);
    *w = (struct window){0};
}

/* NULL: this page is not mapped. */
static void *page_at(const struct window *w, uint64_t pfn)
{
    uint64_t i = pfn - w->pfn;

    if (w->place) {
        if (!w->place[i])
            return NULL;
        i = w->place[i] - 1;
    }
    return w->at + i * PV_PAGE_SIZE;
}

/*
 * Whole pages, not by the C library: it uses string instructions, which an
 * emulated processor carries out byte by byte, ten times as slowly. On a real
 * one both are as fast as memory is.
 */
static void copy_page(void *to, const void *from)
{
    __m128i *t = to;
    const __m128i *f = from;

    for (unsigned i = 0; i < PV_PAGE_SIZE / sizeof(*t); i += 4) {
        __m128i a = _mm_loadu_si128(f + i), b = _mm_loadu_si128(f + i + 1);
        __m128i c = _mm_loadu_si128(f + i + 2), d = _mm_loadu_si128(f + i + 3);

        _mm_store_si128(t + i, a);
        _mm_store_si128(t + i + 1, b);
        _mm_store_si128(t + i + 2, c);
        _mm_store_si128(t + i + 3, d);
    }
}

static void zero_page(void *to)
{
    __m128i *t = to;

    for (unsigned i = 0; i < PV_PAGE_SIZE / sizeof(*t); i++)
        _mm_store_si128(t + i, _mm_setzero_si128());
}

static void zero_pages(const struct window *w, uint64_t pfn, uint64_t nr)
{
    while (nr--)
        zero_page(page_at(w, pfn++));
}

/* --- the kernel
 * --------------------------------------------------------------- */

/* The part of a segment's file bytes that lies in the kernel's page `page`. */
struct piece {
    uint64_t offset;      /* in the image */
    unsigned start, size; /* in the page */
};

static struct piece piece_of(const struct fill *f, const struct elf_segment *s,
                             uint64_t page)
{
    uint64_t from = f->k->start + page * PV_PAGE_SIZE;
    uint64_t to = from + PV_PAGE_SIZE, end = s->va + s->file_size;

    if (from < s->va)
        from = s->va;
    if (to > end)
        to = end;
    return (struct piece){.offset = s->offset + (from - s->va),
                          .start = (unsigned)(from % PV_PAGE_SIZE),
                          .size = (unsigned)(to - from)};
}

/* May any byte of it be other than zero? */
static bool has_bytes(const struct image *img, const struct piece *p)
{
    for (uint64_t i = p->offset / PV_PAGE_SIZE;
         i <= (p->offset + p->size - 1) / PV_PAGE_SIZE; i++)
        if (img->nonzero[i / 8] & 1u << (i % 8))
            return true;
    return false;
}

static uint64_t first_page(const struct fill *f, const struct elf_segment *s)
{
    return (s->va - f->k->start) / PV_PAGE_SIZE;
}

static uint64_t last_page(const struct fill *f, const struct elf_segment *s)
{
    return (s->va + s->file_size - 1 - f->k->start) / PV_PAGE_SIZE;
}

static void mark_pages(const struct fill *f, uint32_t *wanted)
{
    for (unsigned i = 0; i < f->k->nr_segments; i++) {
        const struct elf_segment *s = &f->k->segment[i];

        if (!s->file_size)
            continue;
        for (uint64_t n = first_page(f, s); n <= last_page(f, s); n++) {
            struct piece p = piece_of(f, s, n);

            if (has_bytes(f->kernel, &p))
                wanted[n] = 1;
        }
    }
}

/* Where memory may hold what an earlier owner left, all of the kernel's pages
   are written; where it is zero, those that are not. */
static int open_kernel(const struct fill *f, struct window *w)
{
    uint64_t first = (f->k->start - f->l->virt_base) / PV_PAGE_SIZE;
    uint64_t nr = (f->k->end - f->k->start) / PV_PAGE_SIZE;
    uint32_t *wanted;

    if (!f->b->zeroed)
        return open_window(f, w, first, first + nr);
    wanted = calloc(nr, sizeof(*wanted));
    if (!wanted)
        return builder_fail(f->err, -ENOMEM,
                            "There is no memory left in "
                            "dom0.");
    mark_pages(f, wanted);
    return open_window_of(f, w, first, nr, wanted);
}

static void copy_segment(const struct fill *f, const struct elf_segment *s,
                         const struct window *w)
{
    for (uint64_t n = first_page(f, s); n <= last_page(f, s); n++) {
        struct piece p = piece_of(f, s, n);
        uint8_t *to = page_at(w, w->pfn + n);

        if (!to)
            continue;
        if (p.size == PV_PAGE_SIZE)
            copy_page(to, f->kernel->data + p.offset);
        else
            memcpy(to + p.start, f->kernel->data + p.offset, p.size);
    }
}

static bool is_covered(const struct fill *f, uint64_t page)
{
    uint64_t va = f->k->start + page * PV_PAGE_SIZE;

    for (unsigned i = 0; i < f->k->nr_segments; i++) {
        const struct elf_segment *s = &f->k->segment[i];

        if (s->va <= va && va + PV_PAGE_SIZE <= s->va + s->file_size)
            return true;
    }
    return false;
}

/* The pages that no segment fills whole begin as zeroes. */
static void copy_kernel(const struct fill *f, const struct window *w)
{
    for (uint64_t n = 0; n < w->nr; n++) {
        void *to = page_at(w, w->pfn + n);

        if (to && !is_covered(f, n))
            zero_page(to);
    }
    for (unsigned i = 0; i < f->k->nr_segments; i++)
        if (f->k->segment[i].file_size)
            copy_segment(f, &f->k->segment[i], w);
}

static void copy_ramdisk(const struct fill *f, const struct window *w)
{
    uint64_t pfn = f->l->ramdisk_pfn, whole = f->ramdisk->size / PV_PAGE_SIZE;
    size_t rest = f->ramdisk->size % PV_PAGE_SIZE;
    const uint8_t *from = f->ramdisk->data;

    for (uint64_t i = 0; i < whole; i++, from += PV_PAGE_SIZE)
        copy_page(page_at(w, pfn++), from);
    if (rest) {
        zero_page(page_at(w, pfn));
        memcpy(page_at(w, pfn), from, rest);
    }
}

static void copy_frame_list(const struct fill *f, const struct window *w)
{
    const struct pv_layout *l = f->l;
    size_t size = l->nr_pages * sizeof(uint64_t);
    uint8_t *to = page_at(w, l->p2m_pfn);

    memcpy(to, f->p2m, size);
    /* What is no page has no frame. */
    memset(to + size, 0xff, l->nr_p2m * PV_PAGE_SIZE - size);
}

static void write_start_info(const struct fill *f, const struct window *w)
{
    const struct pv_layout *l = f->l;
    struct start_info *si = page_at(w, l->start_info_pfn);

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
    pagetable_build(l, f->p2m, page_at(in, l->pt_pfn),
                    l->nr_p2m_pt ? page_at(out, l->p2m_pt_pfn) : NULL);
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
    int rc = open_kernel(f, &kernel);

    if (!rc)
        rc = open_window(f, &in, behind, l->stack_pfn + 1);
    if (!rc && l->end_pfn > outer)
        rc = open_window(f, &out, outer, l->end_pfn);
    f->out->us.map = builder_lap(mark);
    if (rc)
        goto close;
    copy_kernel(f, &kernel);
    f->out->us.kernel = builder_lap(mark);
    if (f->ramdisk)
        copy_ramdisk(f, l->ramdisk_unmapped ? &out : &in);
    f->out->us.ramdisk = builder_lap(mark);
    copy_frame_list(f, l->p2m_outside ? &out : &in);
    write_start_info(f, &in);
    fill_tables(f, &in, &out);
    f->out->us.tables = builder_lap(mark);

close:
    /* Before the tables are pinned nobody may hold them writable. */
    close_window(f, &out);
    close_window(f, &in);
    close_window(f, &kernel);
    f->out->us.unmap = builder_lap(mark);
    return rc;
}

/* --- what is not memory ------------------------------------------------------
 */

static int fill_shared_info(const struct fill *f)
{
    xen_pfn_t mfn = f->shared_info_mfn;
    struct shared_info *si;
    void *at;
    int rc =
        fmem_map(f->b->fm, f->out->domid, PROT_READ | PROT_WRITE, 1, &mfn, &at);

    if (rc)
        return fail(f, rc, "show the guest's shared page");
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
        return fail(f, rc, "show the guest's grant table");
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
    return rc ? fail(f, rc, "take the guest's first registers") : 0;
}

static int fill_hypercall_page(const struct fill *f)
{
    uint64_t pfn = (f->k->hypercall_page - f->k->virt_base) / PV_PAGE_SIZE;
    int rc;

    if (!f->k->has_hypercall_page)
        return 0;
    rc = hv_domain_hypercall_page(f->b->hv, f->out->domid, f->p2m[pfn]);
    return rc ? fail(f, rc, "fill the guest's hypercall page") : 0;
}

static int ask_shared_info(struct fill *f)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(f->b->hv, f->out->domid, &info);

    if (rc)
        return fail(f, rc, "describe the new domain");
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
        return fail(f, rc, "accept the guest's page tables");
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
    builder_lap(&mark);
    rc = give_memory(&f);
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
