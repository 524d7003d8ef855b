#include "dom0/debug/dump.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/elfnote.h>

enum { PAGE = 4096, BATCH = 256, MAX_PFN = 1 << 28 };
#define MAGIC_PV    0xf00febedull
#define FORMAT      1ull         /* version 0.1 */
#define P2M_NOT_RAM (3ull << 62) /* foreign, or a hole */
#define P2M_NONE    (~0ull)

enum {
    SEC_NULL,
    SEC_NAMES,
    SEC_NOTES,
    SEC_VCPUS,
    SEC_SHARED,
    SEC_P2M,
    SEC_PAGES,
    NR_SECTIONS
};

/* One text: each name's place in it is what its section header says. */
static const char names[] = "\0.shstrtab\0.note.Xen\0.xen_prstatus\0"
                            ".xen_shared_info\0.xen_p2m\0.xen_pages";
static const uint32_t name_at[NR_SECTIONS] = {0, 1, 11, 21, 35, 52, 61};

struct page_number {
    uint64_t pfn, mfn;
};

struct dump {
    struct target *t;
    FILE *out;
    struct page_number *pages;
    size_t nr_pages;
    struct vcpu_guest_context *vcpus;
    unsigned int nr_vcpus;
    Elf64_Shdr sections[NR_SECTIONS];
};

/* --- what there is ---------------------------------------------------------*/

static int add_page(struct dump *d, size_t *room, uint64_t pfn, uint64_t mfn)
{
    struct page_number *more;

    if (d->nr_pages == *room) {
        *room = *room ? *room * 2 : 4096;
        more = reallocarray(d->pages, *room, sizeof(*more));
        if (!more)
            return -ENOMEM;
        d->pages = more;
    }
    d->pages[d->nr_pages++] = (struct page_number){pfn, mfn};
    return 0;
}

/* The kernel's own list, through the tables that it named for that. */
static int read_p2m(struct dump *d, const struct shared_info *shared)
{
    uint64_t max = shared->arch.max_pfn, list = shared->arch.p2m_vaddr;
    struct vcpu_guest_context tables = {0};
    uint64_t part[PAGE / 8];
    size_t room = 0, n;
    int rc = 0;

    if (!list || !shared->arch.p2m_cr3 || !max || max > MAX_PFN)
        return -ENODATA;
    tables.ctrlreg[3] = shared->arch.p2m_cr3;
    for (uint64_t pfn = 0; !rc && pfn < max; pfn += PAGE / 8) {
        n = target_read(d->t, &tables, list + pfn * 8, part, sizeof(part)) / 8;
        for (size_t i = 0; !rc && i < n && pfn + i < max; i++)
            if (part[i] != P2M_NONE && !(part[i] & P2M_NOT_RAM))
                rc = add_page(d, &room, pfn + i, part[i]);
    }
    return rc ? rc : d->nr_pages ? 0 : -ENODATA;
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

/* --- notes -----------------------------------------------------------------*/

struct notes {
    char data[4096];
    size_t len;
};

static void add_note(struct notes *n, uint32_t type, const void *desc,
                     size_t size)
{
    const Elf64_Nhdr head = {4, (Elf64_Word)size, type};

    memcpy(n->data + n->len, &head, sizeof(head));
    memcpy(n->data + n->len + sizeof(head), "Xen", 4);
    if (size)
        memcpy(n->data + n->len + sizeof(head) + 4, desc, size);
    n->len += sizeof(head) + 4 + size;
}

static void add_version(struct notes *n, const struct hv_version *v)
{
    struct {
        uint64_t major, minor;
        char extra[16];
        char compiler[64], by[16], domain[32], date[32];
        char capabilities[1024], changeset[64];
        uint64_t virt_start, page_size;
    } desc = {
        .major = v->major,
        .minor = v->minor,
        .virt_start = v->virt_start,
        .page_size = PAGE,
    };

    snprintf(desc.extra, sizeof(desc.extra), "%s", v->extra);
    snprintf(desc.compiler, sizeof(desc.compiler), "%s", v->compiler);
    snprintf(desc.by, sizeof(desc.by), "%s", v->compiled_by);
    snprintf(desc.domain, sizeof(desc.domain), "%s", v->compile_domain);
    snprintf(desc.date, sizeof(desc.date), "%s", v->compile_date);
    snprintf(desc.capabilities, sizeof(desc.capabilities), "%s", v->caps);
    snprintf(desc.changeset, sizeof(desc.changeset), "%s", v->changeset);
    add_note(n, XEN_ELFNOTE_DUMPCORE_XEN_VERSION, &desc, sizeof(desc));
}

static void make_notes(const struct dump *d, const struct hv_version *v,
                       struct notes *n)
{
    const uint64_t head[] = {MAGIC_PV, d->nr_vcpus, d->nr_pages, PAGE};
    const uint64_t format = FORMAT;

    n->len = 0;
    add_note(n, XEN_ELFNOTE_DUMPCORE_NONE, NULL, 0);
    add_note(n, XEN_ELFNOTE_DUMPCORE_HEADER, head, sizeof(head));
    add_version(n, v);
    add_note(n, XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, &format, sizeof(format));
}

/* --- the file --------------------------------------------------------------*/

static void lay_out(struct dump *d, size_t notes)
{
    const struct {
        uint32_t type;
        uint64_t size, entry, align;
    } kinds[NR_SECTIONS] = {
        [SEC_NAMES] = {SHT_STRTAB, sizeof(names), 0, 1},
        [SEC_NOTES] = {SHT_NOTE, notes, 0, 4},
        [SEC_VCPUS] = {SHT_PROGBITS, d->nr_vcpus * sizeof(*d->vcpus),
                       sizeof(*d->vcpus), 8},
        [SEC_SHARED] = {SHT_PROGBITS, PAGE, PAGE, 8},
        [SEC_P2M] = {SHT_PROGBITS, d->nr_pages * sizeof(*d->pages),
                     sizeof(*d->pages), 8},
        [SEC_PAGES] = {SHT_PROGBITS, d->nr_pages * PAGE, PAGE, PAGE},
    };
    uint64_t at = sizeof(Elf64_Ehdr) + sizeof(d->sections);

    for (unsigned int i = 1; i < NR_SECTIONS; i++) {
        at = (at + kinds[i].align - 1) / kinds[i].align * kinds[i].align;
        d->sections[i] = (Elf64_Shdr){
            .sh_name = name_at[i],
            .sh_type = kinds[i].type,
            .sh_offset = at,
            .sh_size = kinds[i].size,
            .sh_addralign = kinds[i].align,
            .sh_entsize = kinds[i].entry,
        };
        at += kinds[i].size;
    }
}

static int put(struct dump *d, const void *data, size_t size)
{
    return size && fwrite(data, size, 1, d->out) != 1 ? -errno : 0;
}

/* A section's bytes, after what its alignment leaves free. */
static int put_section(struct dump *d, unsigned int i, const void *data)
{
    static const char zeroes[PAGE];
    const Elf64_Shdr *s = &d->sections[i];
    uint64_t end = i > 1 ? s[-1].sh_offset + s[-1].sh_size
                         : sizeof(Elf64_Ehdr) + sizeof(d->sections);
    int rc = put(d, zeroes, s->sh_offset - end);

    return rc || !data ? rc : put(d, data, s->sh_size);
}

static int put_head(struct dump *d)
{
    const Elf64_Ehdr head = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                    EV_CURRENT, ELFOSABI_SYSV},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = sizeof(head),
        .e_ehsize = sizeof(head),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = NR_SECTIONS,
        .e_shstrndx = SEC_NAMES,
    };
    int rc = put(d, &head, sizeof(head));

    return rc ? rc : put(d, d->sections, sizeof(d->sections));
}

/* A page that went away meanwhile is zeroes. */
static int put_pages(struct dump *d)
{
    char page[PAGE];
    int rc = put_section(d, SEC_PAGES, NULL);

    for (size_t i = 0; !rc && i < d->nr_pages; i++) {
        if (!target_frame(d->t, d->pages[i].mfn, page))
            memset(page, 0, sizeof(page));
        rc = put(d, page, sizeof(page));
    }
    return rc;
}

static int put_all(struct dump *d, const struct notes *notes,
                   const struct shared_info *shared)
{
    int rc = put_head(d);

    if (!rc)
        rc = put_section(d, SEC_NAMES, names);
    if (!rc)
        rc = put_section(d, SEC_NOTES, notes->data);
    if (!rc)
        rc = put_section(d, SEC_VCPUS, d->vcpus);
    if (!rc)
        rc = put_section(d, SEC_SHARED, shared);
    if (!rc)
        rc = put_section(d, SEC_P2M, d->pages);
    if (!rc)
        rc = put_pages(d);
    return rc ? rc : fflush(d->out) ? -errno : 0;
}

int dump_write(struct target *t, const struct hv_version *version,
               const struct shared_info *shared, FILE *out, uint64_t *nr_pages)
{
    struct dump d = {.t = t, .out = out};
    struct notes notes;
    int rc = read_vcpus(&d);

    if (!rc)
        rc = read_p2m(&d, shared);
    if (!rc) {
        make_notes(&d, version, &notes);
        lay_out(&d, notes.len);
        rc = put_all(&d, &notes, shared);
    }
    *nr_pages = d.nr_pages;
    free(d.pages);
    free(d.vcpus);
    return rc;
}
