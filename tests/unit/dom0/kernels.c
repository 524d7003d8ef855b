#include "tests/unit/dom0/kernels.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#define NOTES_AT 512
#define BYTES_AT 4096

uint8_t test_kernel_byte = 'k';
const char *test_kernel_os = "test";

const struct test_kernel test_kernel_linux = {
    .virt_base = 0xffffffff80000000,
    .paddr = 0x200000,
    .entry = 0xffffffff80200040,
    .file_size = 0x5123,
    .mem_size = 0x9000,
    .p2m_base = 0x8000000000,
    .mod_start_pfn = 1,
    .features = "!writable_page_tables|pae_pgdir_above_4gb",
};

const struct test_kernel test_kernel_old = {
    .virt_base = 0xffffffff80000000,
    .paddr = 0x100000,
    .entry = 0xffffffff80100000,
    .file_size = 0x3000,
    .mem_size = 0x3000,
    .hypercall_page = 0xffffffff80101000,
};

const struct test_kernel test_kernel_low = {
    .entry = 0x10,
    .file_size = 0x1800,
    .mem_size = 0x2001,
};

const struct test_kernel test_kernel_offset = {
    .virt_base = 0xffffffff80000000,
    .paddr = 0xffffffff80001000,
    .paddr_offset = 0xffffffff80000000,
    .entry = 0xffffffff80001000,
    .file_size = 0x1000,
    .mem_size = 0x1000,
};

static uint8_t *put_note(uint8_t *p, uint32_t type, const void *desc,
                         uint32_t size)
{
    Elf64_Nhdr n = {.n_namesz = 4, .n_descsz = size, .n_type = type};

    memcpy(p, &n, sizeof(n));
    memcpy(p + sizeof(n), "Xen", 4);
    memcpy(p + sizeof(n) + 4, desc, size);
    return p + sizeof(n) + 4 + (size + 3) / 4 * 4;
}

static uint8_t *put_number(uint8_t *p, uint32_t type, uint64_t v)
{
    return put_note(p, type, &v, sizeof(v));
}

static uint8_t *put_string(uint8_t *p, uint32_t type, const char *s)
{
    return put_note(p, type, s, (uint32_t)strlen(s) + 1);
}

static uint8_t *put_notes(uint8_t *p, const struct test_kernel *k)
{
    p = put_string(p, XEN_ELFNOTE_GUEST_OS, test_kernel_os);
    p = put_string(p, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    p = put_string(p, XEN_ELFNOTE_LOADER, "generic");
    p = put_number(p, XEN_ELFNOTE_VIRT_BASE, k->virt_base);
    p = put_number(p, XEN_ELFNOTE_ENTRY, k->entry);
    if (k->paddr_offset)
        p = put_number(p, XEN_ELFNOTE_PADDR_OFFSET, k->paddr_offset);
    if (k->features)
        p = put_string(p, XEN_ELFNOTE_FEATURES, k->features);
    if (k->p2m_base)
        p = put_number(p, XEN_ELFNOTE_INIT_P2M, k->p2m_base);
    if (k->hypercall_page)
        p = put_number(p, XEN_ELFNOTE_HYPERCALL_PAGE, k->hypercall_page);
    if (k->mod_start_pfn)
        p = put_number(p, XEN_ELFNOTE_MOD_START_PFN, 1);
    return p;
}

uint8_t *test_kernel_make(const struct test_kernel *k, size_t *size)
{
    uint8_t *elf = calloc(1, BYTES_AT + k->file_size), *end;
    Elf64_Ehdr *h = (Elf64_Ehdr *)elf;
    Elf64_Phdr *ph = (Elf64_Phdr *)(elf + sizeof(*h));

    end = put_notes(elf + NOTES_AT, k);
    memcpy(h->e_ident, ELFMAG, SELFMAG);
    h->e_ident[EI_CLASS] = ELFCLASS64;
    h->e_ident[EI_DATA] = ELFDATA2LSB;
    h->e_type = ET_EXEC;
    h->e_machine = EM_X86_64;
    h->e_phoff = sizeof(*h);
    h->e_phentsize = sizeof(*ph);
    h->e_phnum = 2;
    ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                         .p_offset = BYTES_AT,
                         .p_paddr = k->paddr,
                         .p_vaddr = k->virt_base + k->paddr,
                         .p_filesz = k->file_size,
                         .p_memsz = k->mem_size};
    ph[1] = (Elf64_Phdr){.p_type = PT_NOTE,
                         .p_offset = NOTES_AT,
                         .p_filesz = (uint64_t)(end - elf) - NOTES_AT};
    memset(elf + BYTES_AT, test_kernel_byte, k->file_size);
    *size = BYTES_AT + k->file_size;
    return elf;
}
