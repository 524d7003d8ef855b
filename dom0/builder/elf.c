#include "dom0/builder/elf.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#define PAGE_SIZE 4096ull
#define MAX_PADDR (1ull << 40)
#define MAX_SIZE  (1ull << 30)

static const char truncated[] = "the kernel's ELF image is truncated";
static const char senseless[] = "the kernel's program headers make no sense";

/* The image, and what was found in it. */
struct elf_reader {
    const uint8_t *image;
    size_t size;
    struct pv_kernel *k;
    bool found_notes;
};

/*
 * Features that a kernel may demand (a leading '!') and that a PV guest of a
 * 4.17 hypervisor has or does not miss.
 */
static const char *const offered_features[] = {
    "writable_page_tables",
    "writable_descriptor_tables",
    "pae_pgdir_above_4gb",
    "mmu_pt_update_preserve_ad",
    "highmem_assist",
    "gnttab_map_avail_bits",
    "memory_op_vnode_supported",
};

static const void *at(const struct elf_reader *r, uint64_t offset, uint64_t n)
{
    if (offset > r->size || n > r->size - offset)
        return NULL;
    return r->image + offset;
}

static uint64_t number(const uint8_t *desc, uint32_t size)
{
    uint64_t v = 0;

    memcpy(&v, desc, size < sizeof(v) ? size : sizeof(v));
    return v;
}

static bool is_string(const uint8_t *desc, uint32_t size, const char *s)
{
    size_t len = strlen(s);

    return size >= len && !memcmp(desc, s, len) && (size == len || !desc[len]);
}

static bool is_offered(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(offered_features) / sizeof(*offered_features);
         i++)
        if (strlen(offered_features[i]) == len &&
            !memcmp(offered_features[i], name, len))
            return true;
    return false;
}

/* "a|!b|c": b is demanded. */
static const char *check_features(const char *s, uint32_t size)
{
    const char *end = s + strnlen(s, size);

    while (s < end) {
        const char *stop = memchr(s, '|', (size_t)(end - s));

        if (!stop)
            stop = end;
        if (*s == '!' && !is_offered(s + 1, (size_t)(stop - s - 1)))
            return "the kernel demands a feature that PV guests do not get";
        s = stop + 1;
    }
    return NULL;
}

static const char *read_note(struct pv_kernel *k, uint32_t type,
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
    case XEN_ELFNOTE_GUEST_OS:
        if (size >= sizeof(k->guest_os))
            size = sizeof(k->guest_os) - 1;
        memcpy(k->guest_os, desc, size);
        k->guest_os[size] = 0;
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        if (!is_string(desc, size, "xen-3.0"))
            return "the kernel was built for another ABI than xen-3.0";
        break;
    case XEN_ELFNOTE_LOADER:
        if (!is_string(desc, size, "generic"))
            return "the kernel's LOADER note is not \"generic\"";
        break;
    case XEN_ELFNOTE_FEATURES:
        return check_features((const char *)desc, size);
    default:
        break;
    }
    return NULL;
}

static uint64_t padded(uint32_t n)
{
    return ((uint64_t)n + 3) & ~3ull;
}

/* All notes of one segment or section; other owners' are skipped. */
static const char *read_notes(struct elf_reader *r, uint64_t offset,
                              uint64_t size)
{
    const uint8_t *p = at(r, offset, size);
    const char *why = NULL;

    if (!p)
        return truncated;
    while (size >= sizeof(Elf64_Nhdr) && !why) {
        Elf64_Nhdr n;
        uint64_t desc, all;

        memcpy(&n, p, sizeof(n));
        desc = sizeof(n) + padded(n.n_namesz);
        all = desc + padded(n.n_descsz);
        if (desc + n.n_descsz > size)
            break;
        if (n.n_namesz == 4 && !memcmp(p + sizeof(n), "Xen", 4)) {
            r->found_notes = true;
            why = read_note(r->k, n.n_type, p + desc, n.n_descsz);
        }
        if (all > size)
            break;
        p += all;
        size -= all;
    }
    return why;
}

/* Physical for now: the notes that say where it goes may come later. */
static const char *add_segment(struct elf_reader *r, const Elf64_Phdr *ph)
{
    struct pv_kernel *k = r->k;

    if (!ph->p_memsz)
        return NULL;
    if (k->nr_segments == ELF_MAX_SEGMENTS)
        return "the kernel has too many segments";
    if (ph->p_filesz > ph->p_memsz || ph->p_memsz > MAX_SIZE ||
        ph->p_paddr > UINT64_MAX - ph->p_memsz)
        return senseless;
    if (!at(r, ph->p_offset, ph->p_filesz))
        return truncated;
    k->segment[k->nr_segments++] = (struct elf_segment){
        .va = ph->p_paddr,
        .mem_size = ph->p_memsz,
        .offset = ph->p_offset,
        .file_size = ph->p_filesz,
    };
    return NULL;
}

static const char *read_programs(struct elf_reader *r, const Elf64_Ehdr *h)
{
    const char *why = NULL;

    for (unsigned i = 0; i < h->e_phnum && !why; i++) {
        uint64_t where = h->e_phoff + (uint64_t)i * h->e_phentsize;
        Elf64_Phdr ph;
        const void *p = where < h->e_phoff ? NULL : at(r, where, sizeof(ph));

        if (!p)
            return truncated;
        memcpy(&ph, p, sizeof(ph));
        if (ph.p_type == PT_LOAD)
            why = add_segment(r, &ph);
        else if (ph.p_type == PT_NOTE)
            why = read_notes(r, ph.p_offset, ph.p_filesz);
    }
    return why;
}

/* Kernels of old have their notes in sections only. */
static const char *read_sections(struct elf_reader *r, const Elf64_Ehdr *h)
{
    const char *why = NULL;

    for (unsigned i = 0; i < h->e_shnum && !why; i++) {
        uint64_t where = h->e_shoff + (uint64_t)i * h->e_shentsize;
        Elf64_Shdr sh;
        const void *p = where < h->e_shoff ? NULL : at(r, where, sizeof(sh));

        if (!p)
            return NULL;
        memcpy(&sh, p, sizeof(sh));
        if (sh.sh_type == SHT_NOTE)
            why = read_notes(r, sh.sh_offset, sh.sh_size);
    }
    return why;
}

static int by_address(const void *a, const void *b)
{
    const struct elf_segment *x = a, *y = b;

    return x->va < y->va ? -1 : x->va > y->va ? 1 : 0;
}

/* From physical to virtual addresses: two notes say how far apart. */
static const char *place_segments(struct pv_kernel *k)
{
    uint64_t move = k->virt_base - k->paddr_offset, high = 0;

    if (!k->nr_segments)
        return "the kernel has nothing to load";
    qsort(k->segment, k->nr_segments, sizeof(*k->segment), by_address);
    if (k->segment[0].va < k->paddr_offset)
        return "the kernel's PADDR_OFFSET note is above its segments";
    for (unsigned i = 0; i < k->nr_segments; i++) {
        struct elf_segment *s = &k->segment[i];

        if (s->va < high)
            return "the kernel's segments overlap";
        if (s->va - k->paddr_offset >= MAX_PADDR)
            return senseless;
        high = s->va + s->mem_size;
        s->va += move;
    }
    k->start = k->segment[0].va & ~(PAGE_SIZE - 1);
    k->end = (high + move + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    return NULL;
}

static const char *check_addresses(const struct pv_kernel *k)
{
    if (k->virt_base % PAGE_SIZE)
        return "the kernel's VIRT_BASE note is not on a page";
    if (k->start < k->virt_base || k->end <= k->start)
        return "the kernel's addresses wrap around";
    if (k->end - k->virt_base > MAX_SIZE)
        return "the kernel is larger than its first mapping can be";
    if (k->entry < k->start || k->entry >= k->end)
        return "the kernel's entry point is outside of it";
    if (k->has_hypercall_page &&
        (k->hypercall_page % PAGE_SIZE || k->hypercall_page < k->start ||
         k->hypercall_page >= k->end))
        return "the kernel's hypercall page is outside of it";
    if (k->has_p2m_base && k->p2m_base % PAGE_SIZE)
        return "the kernel's INIT_P2M note is not on a page";
    return NULL;
}

static const char *check_header(const Elf64_Ehdr *h)
{
    if (memcmp(h->e_ident, ELFMAG, SELFMAG))
        return "the kernel is no ELF image";
    if (h->e_ident[EI_CLASS] != ELFCLASS64)
        return "32-bit PV guests are not supported: use a 64-bit kernel";
    if (h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64 ||
        (h->e_phnum && h->e_phentsize < sizeof(Elf64_Phdr)))
        return "the kernel is not for this processor (x86-64)";
    return NULL;
}

const char *elf_parse_kernel(const uint8_t *image, size_t size,
                             struct pv_kernel *k)
{
    struct elf_reader r = {.image = image, .size = size, .k = k};
    Elf64_Ehdr h;
    const char *why;

    memset(k, 0, sizeof(*k));
    if (size < sizeof(h))
        return truncated;
    memcpy(&h, image, sizeof(h));
    why = check_header(&h);
    if (!why)
        why = read_programs(&r, &h);
    if (!why && !r.found_notes && h.e_shentsize >= sizeof(Elf64_Shdr))
        why = read_sections(&r, &h);
    if (why)
        return why;
    if (!r.found_notes)
        return "the kernel has no Xen notes: it needs CONFIG_XEN_PV";
    if (!k->has_entry || !k->has_virt_base)
        return "the kernel's Xen notes lack ENTRY or VIRT_BASE: it is no PV "
               "kernel (CONFIG_XEN_PV)";
    why = place_segments(k);
    return why ? why : check_addresses(k);
}
