#include "dom0/debug/dump.h"

#include "dom0/debug/dump-lists.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/user.h>

#include <xen/elfnote.h>

enum { PAGE = 4096, MAX_LOADS = 30000, CRASH_INFO_WORDS = 10 };

/* Memory that is contiguous in the machine, but for gaps of holes. */
struct run {
    uint64_t mfn, nr;
};

struct dump {
    struct target *t;
    FILE *out;
    struct dump_lists lists;
    uint64_t *frames; /* the guest's, in ascending order */
    size_t nr_frames;
    struct run *runs;
    size_t nr_runs;
    struct vcpu_guest_context *vcpus;
    unsigned int nr_vcpus;
    char *batch; /* pages of so many frames, from this one on */
    size_t first, nr_batch;
    bool sparse;
    uint64_t hole; /* bytes that are to be skipped */
};

/* --- what there is ---------------------------------------------------------*/

/* The kernel's own list, through the tables that it named for that. */
static int read_p2m(struct dump *d, const struct dump_guest *g)
{
    uint64_t max = g->shared->arch.max_pfn, list = g->shared->arch.p2m_vaddr;
    struct vcpu_guest_context tables = {0};
    uint64_t part[PAGE / 8];
    int rc = 0;

    if (!list || !g->shared->arch.p2m_cr3 || !max)
        return -ENODATA;
    if (max > DUMP_MAX_PFN)
        return -EINVAL;
    tables.ctrlreg[3] = g->shared->arch.p2m_cr3;
    for (uint64_t pfn = 0; !rc && pfn < max; pfn += PAGE / 8) {
        size_t n =
            target_read(d->t, &tables, list + pfn * 8, part, sizeof(part)) / 8;

        for (size_t i = 0; !rc && i < n && pfn + i < max; i++) {
            /* Beyond all memory: none, foreign, or a hole, by the top bits. */
            if (part[i] >= g->max_mfn)
                continue;
            rc = d->lists.nr_pages == g->max_pages
                     ? -EINVAL
                     : dump_lists_add(&d->lists, pfn + i, part[i]);
        }
    }
    return rc ? rc : d->lists.nr_pages ? 0 : -ENODATA;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static int sort_frames(struct dump *d)
{
    size_t nr = d->lists.nr_pages;

    d->frames = reallocarray(NULL, nr, sizeof(*d->frames));
    if (!d->frames)
        return -ENOMEM;
    for (size_t i = 0; i < nr; i++)
        d->frames[i] = d->lists.pages[i].mfn;
    qsort(d->frames, nr, sizeof(*d->frames), compare);
    /* A list that names a frame twice is not to be trusted, but readable. */
    for (size_t i = 0; i < nr; i++)
        if (!i || d->frames[i] != d->frames[i - 1])
            d->frames[d->nr_frames++] = d->frames[i];
    return 0;
}

/* How many runs there are if gaps of so many frames are taken in. */
static size_t make_runs(const struct dump *d, uint64_t gap, struct run *runs)
{
    size_t nr = 0;
    struct run r = {d->frames[0], 1};

    for (size_t i = 1; i < d->nr_frames; i++) {
        if (d->frames[i] - (r.mfn + r.nr) <= gap) {
            r.nr = d->frames[i] + 1 - r.mfn;
            continue;
        }
        if (runs)
            runs[nr] = r;
        nr++;
        r = (struct run){d->frames[i], 1};
    }
    if (runs)
        runs[nr] = r;
    return nr + 1;
}

/* ELF has 16 bits for their number, and readers search them one by one. */
static int find_runs(struct dump *d)
{
    uint64_t gap = 0;

    while ((d->nr_runs = make_runs(d, gap, NULL)) > MAX_LOADS)
        gap = gap * 4 + 1;
    d->runs = reallocarray(NULL, d->nr_runs, sizeof(*d->runs));
    if (!d->runs)
        return -ENOMEM;
    make_runs(d, gap, d->runs);
    return 0;
}

static int read_vcpus(struct dump *d)
{
    unsigned int nr = target_nr_vcpus(d->t);

    d->vcpus = calloc(nr ? nr : 1, sizeof(*d->vcpus));
    if (!d->vcpus)
        return -ENOMEM;
    for (unsigned int v = 0; v < nr; v++)
        if (!target_registers(d->t, v, &d->vcpus[d->nr_vcpus]))
            d->nr_vcpus++;
    return d->nr_vcpus ? 0 : -ENODATA;
}

/* --- bytes -----------------------------------------------------------------*/

static int put(struct dump *d, const void *data, size_t size)
{
    if (d->hole && fseeko(d->out, (off_t)d->hole, SEEK_CUR))
        return -errno;
    d->hole = 0;
    return size && fwrite(data, size, 1, d->out) != 1 ? -errno : 0;
}

static int put_page(struct dump *d, const void *page)
{
    static const char zeroes[PAGE];

    if (d->sparse && !memcmp(page, zeroes, PAGE)) {
        d->hole += PAGE;
        return 0;
    }
    return put(d, page, PAGE);
}

static int put_list_page(void *dump, const void *page)
{
    return put_page(dump, page);
}

/* --- notes -----------------------------------------------------------------*/

static int put_note(struct dump *d, const char *name, uint32_t type,
                    const void *desc, size_t size)
{
    const Elf64_Nhdr head = {(Elf64_Word)strlen(name) + 1, (Elf64_Word)size,
                             type};
    char padded[8] = "";
    int rc = put(d, &head, sizeof(head));

    memcpy(padded, name, strlen(name));
    if (!rc)
        rc = put(d, padded, (head.n_namesz + 3) / 4 * 4);
    return rc ? rc : put(d, desc, size);
}

static int put_registers(struct dump *d, unsigned int i)
{
    const struct vcpu_guest_context *c = &d->vcpus[i];
    const struct cpu_user_regs *r = &c->user_regs;
    bool kernel = c->flags & VGCF_in_kernel;
    const struct user_regs_struct regs = {
        .r15 = r->r15,
        .r14 = r->r14,
        .r13 = r->r13,
        .r12 = r->r12,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .r11 = r->r11,
        .r10 = r->r10,
        .r9 = r->r9,
        .r8 = r->r8,
        .rax = r->rax,
        .rcx = r->rcx,
        .rdx = r->rdx,
        .rsi = r->rsi,
        .rdi = r->rdi,
        .orig_rax = ~0ull,
        .rip = r->rip,
        /* As its kernel shows its own: it runs in ring 3 and need not know. */
        .cs = kernel ? r->cs & ~3u : r->cs,
        .ss = kernel ? r->ss & ~3u : r->ss,
        .eflags = r->rflags,
        .rsp = r->rsp,
        .fs_base = c->fs_base,
        .gs_base = kernel ? c->gs_base_kernel : c->gs_base_user,
        .ds = r->ds,
        .es = r->es,
        .fs = r->fs,
        .gs = r->gs,
    };
    struct elf_prstatus status = {.pr_pid = (int)i + 1};

    memcpy(&status.pr_reg, &regs, sizeof(regs));
    return put_note(d, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

static size_t notes_size(const struct dump *d)
{
    const size_t head = sizeof(Elf64_Nhdr) + 8;

    return d->nr_vcpus * (head + sizeof(struct elf_prstatus)) + head - 4 +
           CRASH_INFO_WORDS * 8;
}

static int put_notes(struct dump *d, const struct dump_guest *g)
{
    uint64_t info[CRASH_INFO_WORDS] = {g->major, g->minor};
    int rc = 0;

    for (unsigned int i = 0; !rc && i < d->nr_vcpus; i++)
        rc = put_registers(d, i);
    info[CRASH_INFO_WORDS - 1] = dump_lists_root(&d->lists);
    return rc ? rc
              : put_note(d, "Xen", XEN_ELFNOTE_CRASH_INFO, info, sizeof(info));
}

/* --- the file --------------------------------------------------------------*/

static int put_load(struct dump *d, uint64_t mfn, uint64_t nr, uint64_t *at)
{
    const Elf64_Phdr p = {
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_W | PF_X,
        .p_offset = *at,
        .p_paddr = mfn * PAGE,
        .p_filesz = nr * PAGE,
        .p_memsz = nr * PAGE,
        .p_align = 0, /* by which crash knows a kdump */
    };

    *at += nr * PAGE;
    return put(d, &p, sizeof(p));
}

/* What comes before the memory, up to the next page. */
static int put_head(struct dump *d, const struct dump_guest *g)
{
    const Elf64_Ehdr head = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                    EV_CURRENT, ELFOSABI_SYSV},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(head),
        .e_ehsize = sizeof(head),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (Elf64_Half)(d->nr_runs + 2),
    };
    const Elf64_Phdr notes = {
        .p_type = PT_NOTE,
        .p_offset = sizeof(head) + head.e_phnum * sizeof(notes),
        .p_filesz = notes_size(d),
        .p_memsz = notes_size(d),
    };
    static const char zeroes[PAGE];
    uint64_t end = notes.p_offset + notes.p_filesz;
    uint64_t first = (end + PAGE - 1) / PAGE * PAGE, at = first;
    int rc = put(d, &head, sizeof(head));

    if (!rc)
        rc = put(d, &notes, sizeof(notes));
    for (size_t i = 0; !rc && i < d->nr_runs; i++)
        rc = put_load(d, d->runs[i].mfn, d->runs[i].nr, &at);
    if (!rc)
        rc = put_load(d, d->lists.mfn, dump_lists_pages(&d->lists), &at);
    if (!rc)
        rc = put_notes(d, g);
    return rc ? rc : put(d, zeroes, first - end);
}

/* The page of the i-th frame; frames are asked for in their order. */
static const void *page_of(struct dump *d, size_t i)
{
    if (i >= d->first + d->nr_batch) {
        d->first = i;
        d->nr_batch = d->nr_frames - i < TARGET_FRAMES_MAX ? d->nr_frames - i
                                                           : TARGET_FRAMES_MAX;
        target_frames(d->t, d->frames + i, d->nr_batch, d->batch);
    }
    return d->batch + (i - d->first) * PAGE;
}

/* A page that went away meanwhile, and what lies in a gap, is zeroes. */
static int put_memory(struct dump *d)
{
    static const char gap[PAGE];
    size_t next = 0;
    int rc = 0;

    d->batch = malloc((size_t)TARGET_FRAMES_MAX * PAGE);
    if (!d->batch)
        return -ENOMEM;

    for (size_t i = 0; !rc && i < d->nr_runs; i++) {
        for (uint64_t n = 0; !rc && n < d->runs[i].nr; n++) {
            bool is_its = d->frames[next] == d->runs[i].mfn + n;

            rc = put_page(d, is_its ? page_of(d, next) : gap);
            next += is_its;
        }
    }
    return rc;
}

static int put_all(struct dump *d, const struct dump_guest *g)
{
    struct stat st;
    int rc;

    d->sparse = !fstat(fileno(d->out), &st) && S_ISREG(st.st_mode);
    rc = put_head(d, g);
    if (!rc)
        rc = put_memory(d);
    /* Their last page is not zero, so the file ends where it should. */
    if (!rc)
        rc = dump_lists_write(&d->lists, put_list_page, d);
    return rc ? rc : fflush(d->out) ? -errno : 0;
}

int dump_write(struct target *t, const struct dump_guest *guest, FILE *out,
               uint64_t *nr_pages)
{
    struct dump d = {.t = t, .out = out};
    int rc = read_vcpus(&d);

    if (!rc)
        rc = read_p2m(&d, guest);
    if (!rc)
        rc = sort_frames(&d);
    if (!rc)
        rc = find_runs(&d);
    if (!rc)
        rc = dump_lists_place(&d.lists, d.frames[d.nr_frames - 1] + 1);
    if (!rc)
        rc = put_all(&d, guest);
    *nr_pages = d.lists.nr_pages;
    dump_lists_free(&d.lists);
    free(d.batch);
    free(d.frames);
    free(d.runs);
    free(d.vcpus);
    return rc;
}
