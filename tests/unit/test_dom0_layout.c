/*
 * Where dom0's parts go (pv-guest.md 1.3), and what makes an ELF a kernel for
 * dom0 (1.2): every note of the contract, and no byte past the image's end.
 */
#include "boot/dom0-layout.h"
#include "boot/elf.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include <xen/elfnote.h>

#define VIRT_BASE 0xffffffff80000000ull
#define P2M_BASE  0x8000000000ull

/* Debian's 6.1 kernel in 1.5 GiB: the places the peer gives it, with 4 KiB
   pages for the list. */
static struct dom0_layout debian(void)
{
    return (struct dom0_layout){.virt_base = VIRT_BASE,
                                .kernel_end = 0xffffffff84a00000,
                                .nr_pages = 0x60000,
                                .initrd_size = 0x238f000,
                                .p2m_base = P2M_BASE};
}

static void test_debian_kernel_as_the_peer_places_it(void **state)
{
    struct dom0_layout l = debian();

    (void)state;
    assert_null(dom0_layout(&l));
    assert_int_equal(l.start_info_va, 0xffffffff84a00000);
    assert_int_equal(l.pt_va, 0xffffffff84a01000);
    assert_int_equal(l.nr_pt, 0x29);
    assert_int_equal(l.stack_va, 0xffffffff84a2a000);
    assert_int_equal(l.end_va, 0xffffffff84c00000);
    assert_int_equal(l.initrd_pfn, 0x4c00);
    assert_int_equal(l.p2m_pfn, 0x4c00 + 0x238f);
    assert_int_equal(l.nr_p2m, 0x300);
    assert_int_equal(l.p2m_pt_pfn, l.p2m_pfn + 0x300);
    assert_int_equal(l.nr_p2m_pt, 4);
    assert_int_equal(l.end_pfn, l.p2m_pt_pfn + 4);
}

/* At least 512 KiB are mapped behind the stack, in steps of 4 MiB. */
static void test_slack_behind_the_stack(void **state)
{
    (void)state;
    for (uint64_t end = 0; end < 2048; end += 7) {
        struct dom0_layout l = debian();

        l.kernel_end += end << PAGE_SHIFT;
        assert_null(dom0_layout(&l));
        assert_int_equal(l.end_va % (4 << 20), 0);
        assert_true(l.end_va - l.stack_va - PAGE_SIZE >= 512 << 10);
        assert_true(l.end_va - l.stack_va - PAGE_SIZE <
                    (4 << 20) + (512 << 10));
        assert_true(l.nr_pt >= 3 + (l.end_va - VIRT_BASE) / (2 << 20));
    }
}

/* Kernels that do not say they can do without get both mapped, in order. */
static void test_mapped_initrd_and_list(void **state)
{
    struct dom0_layout l = debian();

    (void)state;
    l.p2m_base = 0;
    l.initrd_mapped = true;
    assert_null(dom0_layout(&l));
    assert_int_equal(l.initrd_pfn, 0x4a00);
    assert_int_equal(l.p2m_pfn, 0x4a00 + 0x238f);
    assert_int_equal(l.p2m_va, VIRT_BASE + (l.p2m_pfn << PAGE_SHIFT));
    assert_int_equal(l.start_info_va, l.p2m_va + (0x300 << PAGE_SHIFT));
    assert_int_equal(l.nr_p2m_pt, 0);
    assert_int_equal(l.end_pfn, (l.end_va - VIRT_BASE) >> PAGE_SHIFT);
}

static void test_what_does_not_fit_is_said(void **state)
{
    struct dom0_layout l = debian();

    (void)state;
    l.nr_pages = 0x6000;
    assert_non_null(dom0_layout(&l));
    l = debian();
    l.p2m_base = VIRT_BASE; /* the kernel's own root entry */
    assert_non_null(dom0_layout(&l));
    l.p2m_base = 0xffff800000000000; /* ours */
    assert_non_null(dom0_layout(&l));
    l.p2m_base = 0x0000fff000000000; /* no address at all */
    assert_non_null(dom0_layout(&l));
    l.p2m_base = P2M_BASE + 8;
    assert_non_null(dom0_layout(&l));
    l = debian();
    l.kernel_end = l.virt_base;
    assert_non_null(dom0_layout(&l));
    l.kernel_end = ~0xfffull;
    assert_non_null(dom0_layout(&l));
    l = debian();
    l.initrd_size = ~0ull;
    assert_non_null(dom0_layout(&l));
    l.initrd_mapped = true;
    assert_non_null(dom0_layout(&l));
}

/* ---- ELF ---- */

struct image {
    uint8_t bytes[4096];
    size_t size, notes;
};

static void put(struct image *m, size_t at, uint64_t v, size_t size)
{
    memcpy(m->bytes + at, &v, size);
}

static void note(struct image *m, const char *owner, uint32_t type,
                 const void *desc, uint32_t size)
{
    put(m, m->size, 4, 4);
    put(m, m->size + 4, size, 4);
    put(m, m->size + 8, type, 4);
    memcpy(m->bytes + m->size + 12, owner, 4);
    memcpy(m->bytes + m->size + 16, desc, size);
    m->size += 16 + ROUND_UP(size, 4u);
}

static void note_number(struct image *m, uint32_t type, uint64_t v)
{
    note(m, "Xen", type, &v, 8);
}

static void note_string(struct image *m, uint32_t type, const char *s)
{
    note(m, "Xen", type, s, (uint32_t)strlen(s) + 1);
}

static void program(struct image *m, unsigned i, uint32_t type, uint64_t offset,
                    uint64_t paddr, uint64_t filesz, uint64_t memsz)
{
    size_t at = 64 + i * 56;

    put(m, at, type, 4);
    put(m, at + 8, offset, 8);
    put(m, at + 24, paddr, 8);
    put(m, at + 32, filesz, 8);
    put(m, at + 40, memsz, 8);
}

/* A header, two program headers, 256 bytes of kernel, no notes yet. */
static void image_start(struct image *m)
{
    memset(m, 0, sizeof(*m));
    memcpy(m->bytes, "\177ELF\2\1\1", 7);
    put(m, 16, 2, 2);
    put(m, 18, 62, 2);
    put(m, 32, 64, 8);
    put(m, 54, 56, 2);
    put(m, 56, 2, 2);
    program(m, 0, 1, 512, 0x1000000, 256, 0x3000);
    m->notes = m->size = 768;
}

static void image_end(struct image *m)
{
    program(m, 1, 4, m->notes, 0, m->size - m->notes, m->size - m->notes);
}

static void good_image(struct image *m)
{
    image_start(m);
    note(m, "GNU", XEN_ELFNOTE_ENTRY, "xxxxxxx", 8);
    note_number(m, XEN_ELFNOTE_ENTRY, VIRT_BASE + 0x1001000);
    note_number(m, XEN_ELFNOTE_VIRT_BASE, VIRT_BASE);
    note_string(m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    note_string(m, XEN_ELFNOTE_LOADER, "generic");
    note_number(m, XEN_ELFNOTE_INIT_P2M, P2M_BASE);
    note_number(m, XEN_ELFNOTE_MOD_START_PFN, 1);
    note_number(m, XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8801);
    note_string(m, XEN_ELFNOTE_FEATURES,
                "!writable_page_tables|pae_pgdir_above_4gb");
}

static const char *parse(struct image *m, struct xen_kernel *k)
{
    /* Of exactly its size, so that the sanitizer sees a byte too many. */
    uint8_t *copy = malloc(m->size);
    const char *why;

    memcpy(copy, m->bytes, m->size);
    why = xen_kernel_parse(copy, m->size, k);
    free(copy);
    return why;
}

static void test_notes_are_read(void **state)
{
    struct xen_kernel k;
    struct image m;

    (void)state;
    good_image(&m);
    image_end(&m);
    assert_null(parse(&m, &k));
    assert_int_equal(k.entry, VIRT_BASE + 0x1001000);
    assert_int_equal(k.start, VIRT_BASE + 0x1000000);
    assert_int_equal(k.end, VIRT_BASE + 0x1003000);
    assert_int_equal(k.p2m_base, P2M_BASE);
    assert_true(k.has_p2m_base && k.mod_start_pfn);
    assert_false(k.has_hypercall_page);
    assert_int_equal(k.nr_segments, 1);
}

static void refused_with(void (*change)(struct image *m))
{
    struct xen_kernel k;
    struct image m;

    good_image(&m);
    change(&m);
    image_end(&m);
    assert_non_null(parse(&m, &k));
}

static void demand_unknown(struct image *m)
{
    note_string(m, XEN_ELFNOTE_FEATURES, "dom0|!teleportation");
}
static void demand_unknown_first(struct image *m)
{
    note_string(m, XEN_ELFNOTE_FEATURES, "!auto_translated_physmap|dom0");
}
static void no_dom0(struct image *m)
{
    note_number(m, XEN_ELFNOTE_SUPPORTED_FEATURES, 1);
}
static void other_version(struct image *m)
{
    note_string(m, XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
}
static void other_loader(struct image *m)
{
    note_string(m, XEN_ELFNOTE_LOADER, "special");
}
static void entry_outside(struct image *m)
{
    note_number(m, XEN_ELFNOTE_ENTRY, 0x1000);
}
static void hypercall_page_outside(struct image *m)
{
    note_number(m, XEN_ELFNOTE_HYPERCALL_PAGE, VIRT_BASE);
}
static void segment_past_the_end(struct image *m)
{
    program(m, 0, 1, 512, 0x1000000, 1 << 20, 1 << 20);
}
static void segment_wraps(struct image *m)
{
    program(m, 0, 1, ~0ull - 8, 0x1000000, 256, 0x3000);
}
static void segment_nowhere(struct image *m)
{
    program(m, 0, 1, 512, ~0ull - 8, 256, 0x3000);
}
static void more_file_than_memory(struct image *m)
{
    program(m, 0, 1, 512, 0x1000000, 256, 16);
}
static void not_x86(struct image *m)
{
    put(m, 18, 183, 2);
}
static void headers_past_the_end(struct image *m)
{
    put(m, 32, ~0ull - 10, 8);
}

static void test_what_cannot_be_dom0_is_refused(void **state)
{
    (void)state;
    refused_with(demand_unknown);
    refused_with(demand_unknown_first);
    refused_with(no_dom0);
    refused_with(other_version);
    refused_with(other_loader);
    refused_with(entry_outside);
    refused_with(hypercall_page_outside);
    refused_with(segment_past_the_end);
    refused_with(segment_wraps);
    refused_with(segment_nowhere);
    refused_with(more_file_than_memory);
    refused_with(not_x86);
    refused_with(headers_past_the_end);
}

/* A native kernel without Xen's notes is told apart from a broken one. */
static void test_no_xen_notes(void **state)
{
    struct xen_kernel k;
    struct image m;

    (void)state;
    image_start(&m);
    note(&m, "GNU", 3, "buildid", 8);
    image_end(&m);
    assert_non_null(strstr(parse(&m, &k), "no Xen notes"));
}

/* No prefix of a kernel, and no kernel with a byte changed, makes the reader
   leave the image. */
static void test_damage_is_survived(void **state)
{
    struct xen_kernel k;
    struct image m;
    size_t size;

    (void)state;
    good_image(&m);
    image_end(&m);
    size = m.size;
    for (m.size = 1; m.size < size; m.size++)
        assert_non_null(parse(&m, &k));
    for (size_t at = 0; at < size; at++) {
        uint8_t old = m.bytes[at];

        for (unsigned v = 0; v < 4; v++) {
            m.bytes[at] = (uint8_t[]){0, 0x7f, 0xff, 0x80}[v];
            parse(&m, &k);
        }
        m.bytes[at] = old;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debian_kernel_as_the_peer_places_it),
        cmocka_unit_test(test_slack_behind_the_stack),
        cmocka_unit_test(test_mapped_initrd_and_list),
        cmocka_unit_test(test_what_does_not_fit_is_said),
        cmocka_unit_test(test_notes_are_read),
        cmocka_unit_test(test_what_cannot_be_dom0_is_refused),
        cmocka_unit_test(test_no_xen_notes),
        cmocka_unit_test(test_damage_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
