/*
 * A dump is an ELF file that leads a reader from a guest's page numbers to its
 * memory, the way that crash(8) goes in the core file of a Xen host, and that
 * has the vCPUs' registers.
 *
 * sources: dom0/debug/dump.c dom0/debug/dump-lists.c
 * sources: tests/unit/dom0/target-fake.c
 */
#include "dom0/debug/dump-lists.h"
#include "dom0/debug/dump.h"
#include "tests/unit/dom0/target-fake.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { PAGE = 4096, OTHER_MFN = FAKE_MFN + 3, CRASH_INFO = 0x1000001 };

static struct target guest;
static union {
    struct shared_info info;
    uint8_t page[PAGE];
} shared;
static struct dump_guest about;
static char *file;
static size_t size;

static uint64_t *p2m(void)
{
    return (uint64_t *)(guest.memory + 512);
}

static int begin(void **state)
{
    static const uint64_t list[] = {FAKE_MFN,       ~0ull,          OTHER_MFN,
                                    1ull << 62 | 5, 1ull << 63 | 6, 0x9000};

    (void)state;
    fake_target_reset(&guest);
    guest.state = TARGET_STOPPED;
    memcpy(p2m(), list, sizeof(list));
    shared.info.arch.p2m_vaddr = FAKE_BASE + 512;
    shared.info.arch.p2m_cr3 = 0x5000;
    shared.info.arch.max_pfn = 6;
    about = (struct dump_guest){&shared.info, 100, 0x10000, 4, 17};
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
    FILE *f;
    int rc;

    free(file);
    f = open_memstream(&file, &size);
    rc = dump_write(&guest, &about, f, nr);
    fclose(f);
    return rc;
}

/* --- as a reader goes ------------------------------------------------------*/

static const Elf64_Ehdr *head(void)
{
    return (const void *)file;
}

static const Elf64_Phdr *segment(unsigned int i)
{
    return (const Elf64_Phdr *)(file + head()->e_phoff) + i;
}

/* A page by its machine frame; NULL: not in the dump. */
static const void *frame(uint64_t mfn)
{
    for (unsigned int i = 1; i < head()->e_phnum; i++) {
        const Elf64_Phdr *p = segment(i);

        if (mfn * PAGE - p->p_paddr < p->p_filesz)
            return file + p->p_offset + (mfn * PAGE - p->p_paddr);
    }
    return NULL;
}

/* The n-th note's contents; its type and size. */
static const void *note(unsigned int n, uint32_t *type, size_t *len)
{
    const char *at = file + segment(0)->p_offset;
    const char *last = at + segment(0)->p_filesz;

    while (at < last) {
        const Elf64_Nhdr *h = (const void *)at;
        const char *desc = at + sizeof(*h) + (h->n_namesz + 3) / 4 * 4;

        if (!n--) {
            *type = h->n_type;
            *len = h->n_descsz;
            return desc;
        }
        at = desc + (h->n_descsz + 3) / 4 * 4;
    }
    assert_ptr_equal(at, last);
    return NULL;
}

static uint64_t mfn_of(uint64_t pfn)
{
    const uint64_t *root, *middle, *leaf;
    uint64_t info[10];
    uint32_t type;
    size_t len;
    const void *desc = note(2, &type, &len);

    assert_int_equal(type, CRASH_INFO);
    assert_int_equal(len, sizeof(info));
    memcpy(info, desc, len);
    root = frame(info[9]);
    middle = frame(root[pfn / 512 / 512]);
    leaf = frame(middle[pfn / 512 % 512]);
    return leaf[pfn % 512];
}

/* --- */

static void test_pages_are_found_by_their_numbers(void **state)
{
    uint64_t nr;

    (void)state;
    assert_int_equal(dump(&nr), 0);
    assert_int_equal(nr, 3);
    assert_memory_equal(head()->e_ident, ELFMAG, SELFMAG);
    assert_int_equal(head()->e_type, ET_CORE);
    assert_int_equal(segment(1)->p_align, 0); /* else it is a netdump */
    assert_int_equal(mfn_of(0), FAKE_MFN);
    assert_int_equal(mfn_of(1), ~0ull);
    assert_int_equal(mfn_of(2), OTHER_MFN);
    assert_int_equal(mfn_of(3), ~0ull);
    assert_int_equal(mfn_of(5), 0x9000);
    assert_memory_equal(frame(FAKE_MFN), guest.memory, PAGE);
    assert_int_equal(*(const char *)frame(OTHER_MFN), 0); /* not to be had */
    assert_null(frame(FAKE_MFN + 1));
    assert_int_equal(segment(head()->e_phnum - 1)->p_offset +
                         segment(head()->e_phnum - 1)->p_filesz,
                     size);
}

static void test_what_is_no_memory_is_left_out(void **state)
{
    uint64_t nr;

    (void)state;
    shared.info.arch.p2m_vaddr = FAKE_BASE;
    shared.info.arch.max_pfn = 5;
    memset(guest.memory, 0xff, PAGE);
    ((uint64_t *)guest.memory)[4] = FAKE_MFN;
    assert_int_equal(dump(&nr), 0);
    assert_int_equal(nr, 1);
    assert_int_equal(mfn_of(4), FAKE_MFN);
    assert_int_equal(mfn_of(0), ~0ull);
}

static void test_neighbours_are_one_segment(void **state)
{
    uint64_t nr;

    (void)state;
    for (unsigned int i = 0; i < 6; i++)
        p2m()[i] = 0x100 + (i * 5 + 3) % 6; /* in any order */
    assert_int_equal(dump(&nr), 0);
    assert_int_equal(nr, 6);
    assert_int_equal(head()->e_phnum, 3);
    assert_int_equal(segment(1)->p_paddr, 0x100000);
    assert_int_equal(segment(1)->p_filesz, 6 * PAGE);
    assert_int_equal(mfn_of(1), 0x100 + 8 % 6);
}

static void test_registers_are_notes(void **state)
{
    struct elf_prstatus status;
    struct user_regs_struct regs;
    const void *desc;
    uint32_t type;
    uint64_t nr;
    size_t len;

    (void)state;
    guest.ctx[1].user_regs.rip = 0x4242;
    guest.ctx[1].user_regs.rsp = 0x4343;
    guest.ctx[1].user_regs.cs = 0xe033;
    guest.ctx[1].gs_base_kernel = 0x44;
    assert_int_equal(dump(&nr), 0);
    desc = note(1, &type, &len);
    assert_int_equal(type, NT_PRSTATUS);
    assert_int_equal(len, sizeof(status));
    memcpy(&status, desc, len);
    assert_int_equal(status.pr_pid, 2);
    memcpy(&regs, &status.pr_reg, sizeof(regs));
    assert_int_equal(regs.rip, 0x4242);
    assert_int_equal(regs.rsp, 0x4343);
    assert_int_equal(regs.cs, 0xe030);
    assert_int_equal(regs.gs_base, 0x44);
    assert_null(note(3, &type, &len));
}

static void test_lists_that_cannot_be_true_are_refused(void **state)
{
    uint64_t nr;

    (void)state;
    shared.info.arch.p2m_vaddr = 0;
    assert_int_equal(dump(&nr), -ENODATA);
    shared.info.arch.p2m_vaddr = 0x700000;
    assert_int_equal(dump(&nr), -ENODATA);
    shared.info.arch.max_pfn = ~0ul;
    assert_int_equal(dump(&nr), -EINVAL);
    begin(state);
    about.max_pages = 2; /* and it names three */
    assert_int_equal(dump(&nr), -EINVAL);
    about.max_pages = 3;
    assert_int_equal(dump(&nr), 0);
    p2m()[2] = FAKE_MFN; /* the same once more */
    assert_int_equal(dump(&nr), 0);
    assert_int_equal(mfn_of(2), FAKE_MFN);
}

static void test_zeroes_are_holes(void **state)
{
    FILE *f = tmpfile();
    struct stat st;
    uint64_t nr;

    (void)state;
    for (unsigned int i = 0; i < 400; i++)
        p2m()[i] = 0x200 + i; /* none of them can be had */
    shared.info.arch.max_pfn = 400;
    about.max_pages = 400;
    assert_int_equal(dump_write(&guest, &about, f, &nr), 0);
    assert_int_equal(fstat(fileno(f), &st), 0);
    assert_true(st.st_size > 400 * PAGE);
    assert_true(st.st_blocks < 100 * PAGE / 512);
    fclose(f);
}

static void test_full_disk_is_an_error(void **state)
{
    FILE *f = fopen("/dev/full", "w");
    uint64_t nr;

    (void)state;
    assert_int_equal(dump_write(&guest, &about, f, &nr), -ENOSPC);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
        T(test_pages_are_found_by_their_numbers),
        T(test_what_is_no_memory_is_left_out),
        T(test_neighbours_are_one_segment),
        T(test_registers_are_notes),
        T(test_lists_that_cannot_be_true_are_refused),
        T(test_zeroes_are_holes),
        T(test_full_disk_is_an_error),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
