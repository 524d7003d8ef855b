/*
 * Build domain 0 and let it go. Everything is written through the direct map;
 * the tables are then validated like any guest's, so that counts are right.
 */
#include "boot/boot.h"
#include "boot/dom0-layout.h"
#include "boot/elf.h"
#include "boot/pagerun.h"
#include "console/console.h"
#include "cpu/feature.h"
#include "domain/domain.h"
#include "grant/gnttab.h"
#include "irq/irq.h"
#include "mm/alloc.h"
#include "mm/frametype.h"

#define MIB_PAGES 256ul

/* Kept for ourselves and for guests when dom0_mem= does not say otherwise: a
   sixteenth, and at least so much unless the machine is tiny. */
#define KEEP_MIN_PAGES (128 * MIB_PAGES)
#define KEEP_SHARE     16
/* What we need at the very least beside dom0. */
#define OWN_PAGES (24 * MIB_PAGES)

#define PTE_TABLE (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_RO    (PTE_P | PTE_US | PTE_A | PTE_GUEST_KERNEL)
#define PTE_DATA  (PTE_RO | PTE_RW | PTE_D)

/* Consecutive frames of dom0 on consecutive machine frames. */
struct chunk {
    uint64_t pfn, mfn, nr;
};
#define CHUNK_PAGES 16
#define MAX_CHUNKS  (CHUNK_PAGES * PAGE_SIZE / sizeof(struct chunk))

struct builder {
    struct domain *d;
    struct unpacked file;
    struct xen_kernel kernel;
    struct dom0_layout layout;
    struct chunk *chunk;
    unsigned nr_chunks, last; /* last: where the previous look-up ended */
    uint64_t nr_allocated;
};

/* ---- memory ---- */

static INIT_TEXT uint64_t pages(uint64_t bytes)
{
    return bytes >> PAGE_SHIFT;
}

/* What the loader's modules hold until dom0 runs. */
static INIT_TEXT uint64_t module_pages(void)
{
    uint64_t nr = 0;

    for (unsigned i = 0; i < boot_info.nr_modules; i++)
        nr += pages(boot_info.module[i].size);
    return nr;
}

/* How much dom0 gets out of `nr_free` pages. */
static INIT_TEXT uint64_t choose_size(uint64_t nr_free)
{
    const struct boot_options *o = &boot_options;
    uint64_t total = nr_free + module_pages();
    uint64_t keep = MAX(total / KEEP_SHARE, MIN(total / 8, KEEP_MIN_PAGES));
    uint64_t nr = total - keep;
    uint64_t most = nr_free > OWN_PAGES ? nr_free - OWN_PAGES : 0;

    if (o->dom0_mem)
        nr = pages(o->dom0_mem);
    if (o->dom0_mem_max)
        nr = MIN(nr, pages(o->dom0_mem_max));
    if (o->dom0_mem_min)
        nr = MAX(nr, pages(o->dom0_mem_min));
    if (nr > most && (o->dom0_mem || o->dom0_mem_min))
        log_warn("dom0: only %llu MiB are there to give\n",
                 (unsigned long long)(most / MIB_PAGES));
    return MIN(nr, most);
}

static INIT_TEXT void add_chunk(struct builder *b, uint64_t m, uint64_t nr)
{
    struct chunk *last = b->nr_chunks ? &b->chunk[b->nr_chunks - 1] : NULL;

    for (uint64_t i = 0; i < nr; i++)
        m2p_set(mfn(m + i), b->nr_allocated + i);

    if (last && last->mfn + last->nr == m) {
        last->nr += nr;
    } else {
        if (b->nr_chunks == MAX_CHUNKS)
            boot_stop("dom0: the machine's memory is in too many pieces; "
                      "give dom0 less with dom0_mem=");
        b->chunk[b->nr_chunks++] = (struct chunk){b->nr_allocated, m, nr};
    }
    b->nr_allocated += nr;
}

/* Give dom0 memory up to frame `end`, in pieces as large as there are. */
static INIT_TEXT void allocate_up_to(struct builder *b, uint64_t end)
{
    unsigned order = ALLOC_MAX_ORDER;

    while (b->nr_allocated < end) {
        struct frame *f;

        while (1ull << order > end - b->nr_allocated)
            order--;
        f = frame_alloc_dom0(b->d, order);
        if (f)
            add_chunk(b, frame_mfn(f).n, 1ull << order);
        else if (order)
            order--;
        else
            boot_stop("dom0: memory ran out at %llu of %llu MiB: lower "
                      "dom0_mem=",
                      (unsigned long long)(b->nr_allocated / MIB_PAGES),
                      (unsigned long long)(end / MIB_PAGES));
    }
}

static INIT_TEXT mfn_t pfn_mfn(struct builder *b, uint64_t pfn)
{
    const struct chunk *c = &b->chunk[b->last];

    BUG_ON(pfn >= b->nr_allocated);
    if (pfn < c->pfn)
        b->last = 0;
    for (c = &b->chunk[b->last]; pfn - c->pfn >= c->nr; c++)
        b->last++;
    return mfn(c->mfn + (pfn - c->pfn));
}

static INIT_TEXT void *pfn_virt(struct builder *b, uint64_t pfn)
{
    return mfn_to_virt(pfn_mfn(b, pfn));
}

/* Copy into dom0's memory at byte address `to` of its frame space. */
static INIT_TEXT void copy_in(struct builder *b, uint64_t to, const void *from,
                              size_t n)
{
    const char *src = from;

    while (n) {
        size_t at = to % PAGE_SIZE, piece = MIN(n, PAGE_SIZE - at);

        memcpy((char *)pfn_virt(b, to / PAGE_SIZE) + at, src, piece);
        to += piece;
        src += piece;
        n -= piece;
    }
}

static INIT_TEXT uint64_t pfn_of_va(const struct builder *b, uint64_t va)
{
    return (va - b->layout.virt_base) >> PAGE_SHIFT;
}

/* ---- contents ---- */

static INIT_TEXT void clear_pages(struct builder *b, uint64_t pfn, uint64_t nr)
{
    for (uint64_t end = pfn + nr; pfn < end; pfn++)
        memset(pfn_virt(b, pfn), 0, PAGE_SIZE);
}

/* What we write behind the kernel: the start of day and the list of frames. */
static INIT_TEXT void clear_start(struct builder *b)
{
    const struct dom0_layout *l = &b->layout;
    uint64_t first = pfn_of_va(b, b->kernel.end);

    clear_pages(b, first, pfn_of_va(b, l->end_va) - first);
    clear_pages(b, l->p2m_pfn, l->nr_p2m);
    clear_pages(b, l->p2m_pt_pfn, l->nr_p2m_pt);
}

static INIT_TEXT void load_kernel(struct builder *b)
{
    const struct xen_kernel *k = &b->kernel;

    for (unsigned i = 0; i < k->nr_segments; i++) {
        const struct elf_segment *s = &k->segment[i];

        copy_in(b, s->paddr - k->paddr_offset, k->image + s->offset,
                s->file_size);
    }
    if (k->has_hypercall_page)
        pv_fill_hypercall_page(pfn_virt(b, pfn_of_va(b, k->hypercall_page)));
}

static INIT_TEXT void load_initrd(struct builder *b)
{
    if (b->layout.initrd_size)
        copy_in(b, b->layout.initrd_pfn << PAGE_SHIFT,
                phys_to_virt(boot_info.module[1].start), b->layout.initrd_size);
}

/* The list of machine frames by dom0's numbers. */
static INIT_TEXT void write_p2m(struct builder *b)
{
    const uint64_t per_page = PAGE_SIZE / sizeof(uint64_t);
    uint64_t *list = NULL;

    for (unsigned i = 0; i < b->nr_chunks; i++) {
        const struct chunk *c = &b->chunk[i];

        for (uint64_t n = 0; n < c->nr; n++) {
            uint64_t pfn = c->pfn + n;

            if (!list || pfn % per_page == 0)
                list = pfn_virt(b, b->layout.p2m_pfn + pfn / per_page);
            list[pfn % per_page] = c->mfn + n;
        }
    }
}

/* ---- page tables ---- */

/* Frames that become tables, handed out in order. */
struct table_pool {
    uint64_t next, end;
};

static INIT_TEXT void map_page(struct builder *b, struct table_pool *pool,
                               uint64_t va, uint64_t pfn, uint64_t flags)
{
    uint64_t *table = pfn_virt(b, pfn_of_va(b, b->layout.pt_va));

    for (unsigned shift = 39; shift > PAGE_SHIFT; shift -= 9) {
        uint64_t *e = &table[va >> shift & 511];

        if (!*e) {
            BUG_ON(pool->next == pool->end);
            *e = pte_make(pfn_mfn(b, pool->next++), PTE_TABLE);
        }
        table = mfn_to_virt(pte_mfn(*e));
    }
    table[va >> PAGE_SHIFT & 511] = pte_make(pfn_mfn(b, pfn), flags);
}

static INIT_TEXT void build_tables(struct builder *b)
{
    const struct dom0_layout *l = &b->layout;
    uint64_t pt = pfn_of_va(b, l->pt_va), pt_end = pt + l->nr_pt;
    struct table_pool pool = {pt + 1, pt_end}; /* the first is the root */
    struct table_pool p2m_pool = {l->p2m_pt_pfn, l->p2m_pt_pfn + l->nr_p2m_pt};

    for (uint64_t pfn = 0; pfn < pfn_of_va(b, l->end_va); pfn++)
        map_page(b, &pool, l->virt_base + (pfn << PAGE_SHIFT), pfn,
                 pfn >= pt && pfn < pt_end ? PTE_RO : PTE_DATA);
    if (!l->p2m_base)
        return;
    for (uint64_t i = 0; i < l->nr_p2m; i++)
        map_page(b, &p2m_pool, l->p2m_va + (i << PAGE_SHIFT), l->p2m_pfn + i,
                 PTE_DATA);
}

/* As a guest would: one reference for the pin, one for the vCPU's root. */
static INIT_TEXT void pin_tables(struct builder *b, struct vcpu *v)
{
    mfn_t root = pfn_mfn(b, pfn_of_va(b, b->layout.pt_va));
    int rc;

    spin_lock(&b->d->mm_lock);
    rc = frame_get_typed(root, b->d, FT_L4);
    if (!rc)
        rc = frame_pin(frame_of(root));
    if (!rc)
        rc = frame_get_typed(root, b->d, FT_L4);
    spin_unlock(&b->d->mm_lock);
    if (rc)
        panic("dom0's first page tables were refused (%d)", rc);
    v->pv.cr3_kernel = root;
}

/* ---- start of day ---- */

static INIT_TEXT void write_start_info(struct builder *b)
{
    const struct dom0_layout *l = &b->layout;
    struct start_info *si = pfn_virt(b, pfn_of_va(b, l->start_info_va));
    struct dom0_vga_console_info *vga = (void *)(si + 1);
    const char *cmdline = boot_info.module[0].cmdline;

    static_assert(sizeof(*si) + sizeof(*vga) <= PAGE_SIZE, "one page");
    str_copy(si->magic, "xen-3.0-x86_64p", sizeof(si->magic));
    si->nr_pages = l->nr_pages;
    si->shared_info = virt_to_phys(b->d->shared);
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = l->pt_va;
    si->nr_pt_frames = l->nr_pt;
    si->mfn_list = l->p2m_va;
    if (l->p2m_base) {
        si->first_p2m_pfn = l->p2m_pfn;
        si->nr_p2m_frames = l->nr_p2m + l->nr_p2m_pt;
    }
    if (l->initrd_size) {
        si->mod_len = l->initrd_size;
        if (l->initrd_mapped) {
            si->mod_start = l->virt_base + (l->initrd_pfn << PAGE_SHIFT);
        } else {
            si->mod_start = l->initrd_pfn;
            si->flags |= SIF_MOD_START_PFN;
        }
    }
    if (console_vga_info(vga)) {
        si->console.dom0.info_off = sizeof(*si);
        si->console.dom0.info_size = sizeof(*vga);
    }
    if (!cmdline)
        return;
    str_copy((char *)si->cmd_line, cmdline, sizeof(si->cmd_line));
    if (strlen(cmdline) >= sizeof(si->cmd_line))
        log_warn("dom0: its command line is cut at %zu bytes\n",
                 sizeof(si->cmd_line) - 1);
}

static INIT_TEXT void start_vcpu(struct builder *b, struct vcpu *v)
{
    const struct dom0_layout *l = &b->layout;
    struct cpu_user_regs *r = &v->pv.regs;

    r->rip = b->kernel.entry;
    r->rsp = l->stack_va + PAGE_SIZE;
    r->rsi = l->start_info_va;
    r->rflags = RFLAGS_IF | 2;
    r->cs = FLAT_KERNEL_CS;
    r->ss = FLAT_KERNEL_SS;
    v->pv.kernel_mode = true;
    v->pv.kernel_sp = r->rsp;
    v->initialised = true;
    v->up = true;
}

static INIT_TEXT void create_vcpus(struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        int rc = vcpu_create(d, i);

        if (rc)
            panic("dom0: vCPU %u cannot be made (%d)", i, rc);
    }
}

/* ---- rights ---- */

struct port_range {
    uint16_t first, last;
};

/*
 * What dom0 must leave alone: both interrupt controllers with their trigger
 * registers, fast reset and the coprocessor's. The configuration ports are
 * routed elsewhere before anybody looks here (pv/privop.c).
 */
static const struct port_range kept_ports[] = {
    {0x20, 0x21}, {0xa0, 0xa1}, {0x4d0, 0x4d1}, {0x92, 0x92}, {0xf0, 0xf0},
};

static INIT_TEXT void keep_ports(uint64_t *map, unsigned first, unsigned last)
{
    for (unsigned port = first; port <= last; port++)
        bit_clear(map, port);
}

static INIT_TEXT uint64_t *make_port_map(void)
{
    uint16_t serial = console_serial_port();
    uint64_t *map = mem_alloc(65536 / 8);

    if (!map)
        panic("dom0: no memory for its port map");
    memset(map, 0xff, 65536 / 8);
    for (size_t i = 0; i < ARRAY_SIZE(kept_ports); i++)
        keep_ports(map, kept_ports[i].first, kept_ports[i].last);
    if (serial)
        keep_ports(map, serial, serial + 7u);
    return map;
}

/* Every device but the interrupt controllers; MSI-X tables to look at. */
static bool dom0_may_map_io(struct domain *d, mfn_t m, bool *read_only)
{
    uint64_t phys = m.n << PAGE_SHIFT;

    (void)d;
    *read_only = false;
    if (m.n >> (cpu_phys_bits - PAGE_SHIFT) || mfn_is_ram(m))
        return false;
    if (m.n == acpi_info.lapic_phys >> PAGE_SHIFT || ioapic_is_mmio(phys))
        return false;
    *read_only = msix_is_table(phys);
    return true;
}

static INIT_TEXT struct domain *create(void)
{
    unsigned nr_vcpus = boot_options.dom0_max_vcpus
                            ? boot_options.dom0_max_vcpus
                            : (unsigned)bitmap_weight(&cpu_online, MAX_CPUS);
    struct domain_config cfg = {
        .max_vcpus = MIN(nr_vcpus, MAX_VCPUS),
        .max_evtchn_port = UINT32_MAX,
        .max_grant_frames = GNTTAB_DEFAULT_MAX_FRAMES,
        .max_maptrack_frames = GNTTAB_DEFAULT_MAX_MAPTRACK,
        .grant_opts = 1,
        .privileged = true,
    };
    struct domain *d;
    int rc;

    d = domain_create(0, &cfg, &rc);
    if (!d)
        panic("dom0 cannot be created (%d)", rc);
    d->hardware = true;
    d->ioports = make_port_map();
    d->may_map_io = dom0_may_map_io;
    return d;
}

/* ---- the order of things ---- */

static INIT_TEXT void read_kernel(struct builder *b)
{
    const char *why;

    if (!boot_info.nr_modules)
        boot_stop("dom0: the loader brought no module. Give dom0's kernel as "
                  "the first module and its initrd as the second");
    unpack_kernel(&boot_info.module[0], &b->file);
    why = xen_kernel_parse(b->file.elf, b->file.size, &b->kernel);
    if (why)
        boot_stop("dom0: %s", why);
    if (b->kernel.hv_start_low > HOST_VA_START)
        boot_stop("dom0: the kernel wants the hypervisor above %llx, which "
                  "is not where it is",
                  (unsigned long long)b->kernel.hv_start_low);
}

/* The unpacked kernel's own memory comes back before dom0's is complete. */
static INIT_TEXT void plan(struct builder *b)
{
    struct dom0_layout *l = &b->layout;
    uint64_t unpacked = b->file.buffer ? pages(b->file.size) : 0;
    const char *why;

    l->virt_base = b->kernel.virt_base;
    l->kernel_end = b->kernel.end;
    l->nr_pages = choose_size(alloc_nr_free() + unpacked);
    l->initrd_size = boot_info.nr_modules > 1 ? boot_info.module[1].size : 0;
    l->initrd_mapped = l->initrd_size && !b->kernel.mod_start_pfn;
    l->p2m_base = b->kernel.has_p2m_base ? b->kernel.p2m_base : 0;
    why = dom0_layout(l);
    if (why)
        boot_stop("dom0: %s", why);
}

static INIT_TEXT void fill_memory(struct builder *b)
{
    const struct dom0_layout *l = &b->layout;

    b->chunk = pagerun_alloc(CHUNK_PAGES);
    if (!b->chunk)
        boot_stop("dom0: memory is too small: give the machine more");
    b->d->max_pages = l->nr_pages;

    allocate_up_to(b, pfn_of_va(b, b->kernel.end));
    clear_pages(b, 0, b->nr_allocated); /* its bss, and what lies around */
    load_kernel(b);
    unpack_release(&b->file);
    allocate_up_to(b, l->nr_pages);
    clear_start(b);
    load_initrd(b);
    write_p2m(b);
    build_tables(b);
    write_start_info(b);
    if (boot_options.dom0_mem_max)
        b->d->max_pages = MAX(l->nr_pages, pages(boot_options.dom0_mem_max));
}

INIT_TEXT void dom0_build(void)
{
    static INIT_DATA struct builder b = {0};

    read_kernel(&b);
    log_debug("dom0: kernel unpacked, %zu KiB\n", b.file.size >> 10);
    plan(&b);
    dom0 = b.d = create();
    fill_memory(&b);
    log_debug("dom0: memory filled, in %u pieces\n", b.nr_chunks);
    create_vcpus(b.d);
    pin_tables(&b, b.d->vcpu[0]);
    start_vcpu(&b, b.d->vcpu[0]);
    pagerun_free(b.chunk, CHUNK_PAGES);

    log_info("dom0: %llu MiB, %u vCPUs, kernel at %llx\n",
             (unsigned long long)(b.layout.nr_pages / MIB_PAGES),
             b.d->max_vcpus, (unsigned long long)b.kernel.start);
    console_give_input();
    vcpu_wake(b.d->vcpu[0]);
    domain_unpause_tools(b.d);
}
