#include "boot/elf.h"

#include <xen/elfnote.h>

/* The parts of ELF64 that are read (System V gABI, chapters 4 and 5). */
struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_program {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};

struct elf_note {
    uint32_t name_size, desc_size, type;
};

#define ELF_MACHINE_X86_64 62
#define ELF_CLASS_64       2
#define ELF_LITTLE_ENDIAN  1
#define PT_LOAD            1
#define PT_NOTE            4
#define SHT_NOTE           7

#define MAX_PADDR (1ull << 40)

/* Features that a kernel may demand ('!') and a PV guest has or needs not. */
static const char *const known_features[] = {
    "writable_page_tables",  "writable_descriptor_tables",
    "pae_pgdir_above_4gb",   "dom0",
    "gnttab_map_avail_bits", "mmu_pt_update_preserve_ad",
    "highmem_assist"};

#define FEATURE_DOM0 11 /* XENFEAT_dom0, bit of SUPPORTED_FEATURES */

static const void *at(const struct xen_kernel *k, uint64_t offset, size_t size)
{
    if (offset > k->size || size > k->size - offset)
        return NULL;
    return k->image + offset;
}

static uint64_t number(const uint8_t *desc, uint32_t size)
{
    uint64_t v = 0;

    memcpy(&v, desc, MIN(size, sizeof(v)));
    return v;
}

static bool is_string(const uint8_t *desc, uint32_t size, const char *s)
{
    size_t len = strlen(s);

    return size >= len && !memcmp(desc, s, len) && (size == len || !desc[len]);
}

static bool is_known(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(known_features); i++)
        if (strlen(known_features[i]) == len &&
            !memcmp(known_features[i], name, len))
            return true;
    return false;
}

/* "a|!b|c": b is demanded. */
static const char *check_features(const char *s, uint32_t size)
{
    const char *end = s + strnlen(s, size);

    while (s < end) {
        const char *stop = s;

        while (stop < end && *stop != '|')
            stop++;
        if (*s == '!' && !is_known(s + 1, (size_t)(stop - s - 1)))
            return "the kernel demands a Xen feature that is not offered to "
                   "PV guests: use a kernel built for a PV dom0";
        s = stop + 1;
    }
    return NULL;
}

static const char *read_note(struct xen_kernel *k, uint32_t type,
                             const uint8_t *desc, uint32_t size)
{
    uint64_t v = number(desc, size);

    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        k->entry = v;
        k->has_entry = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        k->hypercall_page = v;
        k->has_hypercall_page = true;
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        k->virt_base = v;
        k->has_virt_base = true;
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        k->paddr_offset = v;
        break;
    case XEN_ELFNOTE_INIT_P2M:
        k->p2m_base = v;
        k->has_p2m_base = true;
        break;
    case XEN_ELFNOTE_MOD_START_PFN:
        k->mod_start_pfn = v;
        break;
    case XEN_ELFNOTE_HV_START_LOW:
        k->hv_start_low = v;
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        if (!is_string(desc, size, "xen-3.0"))
            return "the kernel was built for another Xen ABI than xen-3.0";
        break;
    case XEN_ELFNOTE_LOADER:
        if (!is_string(desc, size, "generic"))
            return "the kernel's LOADER note is not 'generic'";
        break;
    case XEN_ELFNOTE_FEATURES:
        return check_features((const char *)desc, size);
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        if (!(v >> FEATURE_DOM0 & 1))
            return "the kernel cannot be dom0: build it with CONFIG_XEN_DOM0";
        break;
    default:
        break;
    }
    return NULL;
}

/* All notes of one segment or section; other owners' are skipped. */
static const char *read_notes(struct xen_kernel *k, uint64_t offset,
                              uint64_t size, bool *found)
{
    const uint8_t *p = at(k, offset, size);
    const char *why = NULL;

    if (!p)
        return "the kernel image is truncated: copy it again";

    while (size >= sizeof(struct elf_note) && !why) {
        struct elf_note n;
        uint64_t name, desc, all;

        memcpy(&n, p, sizeof(n));
        name = sizeof(n);
        desc = name + ROUND_UP((uint64_t)n.name_size, 4);
        all = desc + ROUND_UP((uint64_t)n.desc_size, 4);
        if (desc + n.desc_size > size)
            break;
        if (n.name_size == 4 && !memcmp(p + name, "Xen", 4)) {
            *found = true;
            why = read_note(k, n.type, p + desc, n.desc_size);
        }
        if (all > size)
            break;
        p += all;
        size -= all;
    }
    return why;
}

static const char *add_segment(struct xen_kernel *k,
                               const struct elf_program *ph)
{
    struct elf_segment *s = &k->segment[k->nr_segments];

    if (!ph->memsz)
        return NULL;
    if (k->nr_segments == MAX_SEGMENTS)
        return "the kernel has too many segments";
    if (ph->filesz > ph->memsz || ph->paddr >= MAX_PADDR ||
        ph->memsz > MAX_PADDR)
        return "the kernel's program headers make no sense";
    if (!at(k, ph->offset, ph->filesz))
        return "the kernel image is truncated: copy it again";

    s->paddr = ph->paddr;
    s->mem_size = ph->memsz;
    s->offset = ph->offset;
    s->file_size = ph->filesz;
    k->nr_segments++;
    return NULL;
}

static const char *read_programs(struct xen_kernel *k,
                                 const struct elf_header *h, bool *found)
{
    const char *why = NULL;

    for (unsigned i = 0; i < h->phnum && !why; i++) {
        struct elf_program ph;
        const void *p =
            at(k, h->phoff + (uint64_t)i * h->phentsize, sizeof(ph));

        if (!p)
            return "the kernel image is truncated: copy it again";
        memcpy(&ph, p, sizeof(ph));
        if (ph.type == PT_LOAD)
            why = add_segment(k, &ph);
        else if (ph.type == PT_NOTE)
            why = read_notes(k, ph.offset, ph.filesz, found);
    }
    return why;
}

/* Kernels of old have their notes in sections only. */
static const char *read_sections(struct xen_kernel *k,
                                 const struct elf_header *h, bool *found)
{
    const char *why = NULL;

    for (unsigned i = 0; i < h->shnum && !why; i++) {
        struct elf_section sh;
        const void *p =
            at(k, h->shoff + (uint64_t)i * h->shentsize, sizeof(sh));

        if (!p)
            return NULL;
        memcpy(&sh, p, sizeof(sh));
        if (sh.type == SHT_NOTE)
            why = read_notes(k, sh.offset, sh.size, found);
    }
    return why;
}

/* Virtual addresses are those of the physical ones, moved by two notes. */
static const char *place(struct xen_kernel *k)
{
    uint64_t low = ~0ull, high = 0;

    if (!k->nr_segments)
        return "the kernel has nothing to load";
    for (unsigned i = 0; i < k->nr_segments; i++) {
        low = MIN(low, k->segment[i].paddr);
        high = MAX(high, k->segment[i].paddr + k->segment[i].mem_size);
    }
    if (low < k->paddr_offset)
        return "the kernel's PADDR_OFFSET note is above its segments";

    k->start = (low - k->paddr_offset + k->virt_base) & PAGE_MASK;
    k->end =
        (high - k->paddr_offset + k->virt_base + PAGE_SIZE - 1) & PAGE_MASK;
    if (k->start < k->virt_base || k->end <= k->start)
        return "the kernel's addresses wrap around";
    if (k->entry < k->start || k->entry >= k->end)
        return "the kernel's entry point is outside of it";
    if (k->has_hypercall_page &&
        (k->hypercall_page % PAGE_SIZE || k->hypercall_page < k->start ||
         k->hypercall_page >= k->end))
        return "the kernel's hypercall page is outside of it";
    return NULL;
}

static bool is_elf64_x86(const struct elf_header *h)
{
    return !memcmp(h->ident, "\177ELF", 4) && h->ident[4] == ELF_CLASS_64 &&
           h->ident[5] == ELF_LITTLE_ENDIAN &&
           h->machine == ELF_MACHINE_X86_64 &&
           h->phentsize >= sizeof(struct elf_program);
}

const char *xen_kernel_parse(const void *image, size_t size,
                             struct xen_kernel *k)
{
    struct elf_header h;
    bool found = false;
    const char *why;

    memset(k, 0, sizeof(*k));
    k->image = image;
    k->size = size;
    if (size < sizeof(h))
        return "the kernel image is truncated: copy it again";
    memcpy(&h, image, sizeof(h));
    if (!is_elf64_x86(&h))
        return "the first module holds no 64-bit x86 ELF: the kernel must be "
               "the first module, the initrd the second";

    why = read_programs(k, &h, &found);
    if (!why && !found && h.shentsize >= sizeof(struct elf_section))
        why = read_sections(k, &h, &found);
    if (why)
        return why;
    if (!found)
        return "the kernel has no Xen notes: use one built with "
               "CONFIG_XEN_PV and CONFIG_XEN_DOM0";
    if (!k->has_entry || !k->has_virt_base)
        return "the kernel's Xen notes lack ENTRY or VIRT_BASE: it is no PV "
               "kernel, use one built with CONFIG_XEN_PV";
    return place(k);
}
