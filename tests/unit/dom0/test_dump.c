/*
 * A dump is an ELF file with the sections that readers of Xen's core files look
 * for, and in them what the guest had.
 *
 * sources: dom0/debug/dump.c tests/unit/dom0/target-fake.c
 */
#include "dom0/debug/dump.h"
#include "tests/unit/dom0/target-fake.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct target guest;
static union {
    struct shared_info info;
    uint8_t page[4096];
} shared;
static const struct hv_version version = {
    .major = 4, .minor = 17, .extra = ".7", .caps = "caps"};
static char *file;
static size_t size;

static int begin(void **state)
{
    static const uint64_t p2m[] = {FAKE_MFN,       ~0ull,          FAKE_MFN,
                                   1ull << 62 | 5, 1ull << 63 | 6, 12345};

    (void)state;
    fake_target_reset(&guest);
    guest.state = TARGET_STOPPED;
    memcpy(guest.memory + 512, p2m, sizeof(p2m));
    shared.info.arch.p2m_vaddr = FAKE_BASE + 512;
    shared.info.arch.p2m_cr3 = 0x5000;
    shared.info.arch.max_pfn = 6;
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(file);
    file = NULL;
    return 0;
}

static int dump(uint64_t *nr)
{
    FILE *f = open_memstream(&file, &size);
    int rc = dump_write(&guest, &version, &shared.info, f, nr);

    fclose(f);
    return rc;
}

static const Elf64_Shdr *section(const char *name)
{
    const Elf64_Ehdr *head = (const void *)file;
    const Elf64_Shdr *s = (const void *)(file + head->e_shoff);
    const char *names = file + s[head->e_shstrndx].sh_offset;

    for (unsigned int i = 1; i < head->e_shnum; i++)
        if (!strcmp(names + s[i].sh_name, name))
            return &s[i];
    fail_msg("no section %s", name);
    return NULL;
}

static void test_sections_hold_what_there_is(void **state)
{
    const Elf64_Ehdr *head;
    const Elf64_Shdr *s;
    uint64_t nr;

    (void)state;
    guest.ctx[1].user_regs.rip = 0x4242;
    assert_int_equal(dump(&nr), 0);
    assert_int_equal(nr, 3);
    head = (const void *)file;
    assert_memory_equal(head->e_ident, ELFMAG, SELFMAG);
    assert_int_equal(head->e_type, ET_CORE);
    s = section(".xen_p2m");
    assert_int_equal(s->sh_size, 3 * 16);
    assert_int_equal(((uint64_t *)(file + s->sh_offset))[2], 2); /* pfn */
    assert_int_equal(((uint64_t *)(file + s->sh_offset))[3], FAKE_MFN);
    s = section(".xen_pages");
    assert_int_equal(s->sh_offset % 4096, 0);
    assert_int_equal(s->sh_offset + s->sh_size, size);
    assert_memory_equal(file + s->sh_offset + 4096, guest.memory, 4096);
    assert_int_equal(file[s->sh_offset + 8192], 0); /* could not be had */
    s = section(".xen_prstatus");
    assert_int_equal(s->sh_size, 2 * sizeof(struct vcpu_guest_context));
    assert_int_equal(
        ((struct vcpu_guest_context *)(file + s->sh_offset))[1].user_regs.rip,
        0x4242);
    s = section(".xen_shared_info");
    assert_memory_equal(file + s->sh_offset, &shared, 4096);
}

static void test_notes_say_how_to_read_it(void **state)
{
    static const uint32_t types[] = {0x2000000, 0x2000001, 0x2000002,
                                     0x2000003};
    const Elf64_Shdr *s;
    uint64_t nr, at, value[4];

    (void)state;
    assert_int_equal(dump(&nr), 0);
    s = section(".note.Xen");
    at = s->sh_offset;
    for (unsigned int i = 0; i < 4; i++) {
        const Elf64_Nhdr *n = (const void *)(file + at);

        assert_int_equal(n->n_type, types[i]);
        assert_string_equal(file + at + sizeof(*n), "Xen");
        memcpy(value, file + at + sizeof(*n) + 4,
               n->n_descsz < sizeof(value) ? n->n_descsz : sizeof(value));
        if (i == 1) {
            assert_int_equal(value[0], 0xf00febed);
            assert_int_equal(value[1], 2);
            assert_int_equal(value[2], 3);
            assert_int_equal(value[3], 4096);
        }
        if (i == 2)
            assert_int_equal(n->n_descsz, 1280);
        if (i == 3)
            assert_int_equal(value[0], 1);
        at += sizeof(*n) + 4 + n->n_descsz;
    }
    assert_int_equal(at, s->sh_offset + s->sh_size);
}

static void test_kernel_without_a_list_is_an_error(void **state)
{
    uint64_t nr;

    (void)state;
    shared.info.arch.p2m_vaddr = 0;
    assert_int_equal(dump(&nr), -ENODATA);
    free(file);
    shared.info.arch.p2m_vaddr = 0x700000;
    assert_int_equal(dump(&nr), -ENODATA);
    free(file);
    shared.info.arch.max_pfn = ~0ul;
    assert_int_equal(dump(&nr), -ENODATA);
}

static void test_full_disk_is_an_error(void **state)
{
    FILE *f = fopen("/dev/full", "w");
    uint64_t nr;

    (void)state;
    assert_int_equal(dump_write(&guest, &version, &shared.info, f, &nr),
                     -ENOSPC);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
        T(test_sections_hold_what_there_is),
        T(test_notes_say_how_to_read_it),
        T(test_kernel_without_a_list_is_an_error),
        T(test_full_disk_is_an_error),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
