/*
 * A PV guest as the builder leaves it (the PV ABI's start of day): judged by
 * walking its memory in a fake machine whose pages start as junk.
 * sources: dom0/builder/builder.c dom0/builder/error.c dom0/builder/image.c
 * sources: dom0/builder/image-file.c dom0/builder/image-kept.c
 * sources: dom0/builder/ramdisk.c
 * sources: dom0/builder/bzimage.c dom0/builder/unpack.c dom0/builder/cache.c
 * sources: dom0/builder/elf.c dom0/builder/layout.c
 * sources: dom0/builder/pv-memory.c dom0/builder/pv-kernel.c
 * sources: dom0/builder/window.c
 * sources: dom0/builder/pv.c dom0/builder/pagetable.c dom0/builder/policy.c
 * sources: dom0/builder/nodes.c dom0/config/lex.c dom0/config/parse.c
 * sources: dom0/config/value.c dom0/config/domconfig.c
 * sources: dom0/config/read.c dom0/config/names.c
 * sources: dom0/config/keys.c
 * sources: dom0/config/disk.c dom0/config/nic.c dom0/config/cpuset.c
 * sources: dom0/config/report.c $(libs-hypercall-fake-src)
 * sources: dom0/libs/foreignmem/foreignmem-fake.c tests/unit/dom0/kernels.c
 * libs: -lz -llzma -lzstd -llz4 -lbz2 -llzo2 -lmd
 */
#include "dom0/builder/builder.h"
#include "dom0/builder/nodes.h"
#include "dom0/config/domconfig.h"
#include "dom0/libs/foreignmem/foreignmem.h"
#include "dom0/libs/hypercall/hypercall-fake.h"
#include "tests/unit/dom0/kernels.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xen/grant_table.h>

#define RAMDISK_SIZE 5000

/* A builder on a fresh machine, a configuration, a kernel and a ramdisk. */
struct world {
    struct hv *hv;
    struct fmem *fm;
    struct builder *b;
    struct domconfig *cfg;
    struct image *kernel, *ramdisk;
    struct built_domain d;
    struct builder_error err;
    char dir[64], text[1000];
};

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static void configure(struct world *w, const char *more)
{
    struct report report;
    char text[2000];

    domconfig_free(w->cfg);
    w->cfg = NULL;
    snprintf(text, sizeof(text), "%s%s\n", w->text, more);
    report_init(&report, "test");
    if (domconfig_parse(text, strlen(text), NULL, &report, &w->cfg))
        fail_msg("%s", report_first_error(&report));
    report_free(&report);
}

static void load(struct world *w)
{
    image_free(w->kernel);
    image_free(w->ramdisk);
    w->kernel = w->ramdisk = NULL;
    if (builder_load_images(w->cfg, NULL, &w->kernel, &w->ramdisk, &w->err))
        fail_msg("%s", w->err.text);
}

static void use_kernel(struct world *w, const struct test_kernel *k)
{
    char path[100];
    size_t size;
    uint8_t *elf = test_kernel_make(k, &size);

    snprintf(path, sizeof(path), "%s/kernel", w->dir);
    write_file(path, elf, size);
    free(elf);
    load(w);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    uint8_t ramdisk[RAMDISK_SIZE];
    char path[100];

    hv_fake_reset(0);
    strcpy(w->dir, "/tmp/test-builder-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(hv_open(&w->hv), 0);
    assert_int_equal(fmem_open(&w->fm), 0);
    assert_int_equal(builder_open(w->hv, w->fm, &w->b, &w->err), 0);
    memset(ramdisk, 'r', sizeof(ramdisk));
    snprintf(path, sizeof(path), "%s/ramdisk", w->dir);
    write_file(path, ramdisk, sizeof(ramdisk));
    snprintf(w->text, sizeof(w->text),
             "name = 'g'\nkernel = '%s/kernel'\nramdisk = '%s/ramdisk'\n"
             "memory = 32\nvcpus = 2\nextra = 'console=hvc0'\n",
             w->dir, w->dir);
    configure(w, "");
    use_kernel(w, &test_kernel_linux);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char command[100];

    image_free(w->kernel);
    image_free(w->ramdisk);
    domconfig_free(w->cfg);
    builder_close(w->b);
    snprintf(command, sizeof(command), "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    hv_fake_end();
    return 0;
}

static int build(struct world *w)
{
    return builder_build(w->b, w->cfg, w->kernel, w->ramdisk, 0, &w->d,
                         &w->err);
}

static void built(struct world *w)
{
    if (build(w))
        fail_msg("%s", w->err.text);
}

/* The page table entry for a guest's address, 0: not mapped. */
static uint64_t entry_of(const struct world *w, uint64_t va)
{
    uint64_t mfn = hv_fake_domain(w->d.domid)->pinned, e = 0;

    for (int shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *table = hv_fake_frame(mfn);

        e = table[va >> shift & 511];
        if (!(e & 1))
            return 0;
        mfn = e >> 12 & 0xffffffffffull;
    }
    return e;
}

static void *at(const struct world *w, uint64_t va)
{
    uint64_t e = entry_of(w, va);

    assert_true(e & 1);
    return (uint8_t *)hv_fake_frame(e >> 12 & 0xffffffffffull) + va % 4096;
}

static const struct vcpu_guest_context *context(const struct world *w)
{
    struct hv_fake_domain *d = hv_fake_domain(w->d.domid);

    assert_non_null(d);
    assert_true(d->has_context[0]);
    return &d->context[0];
}

static const struct start_info *start_info(const struct world *w)
{
    return at(w, context(w)->user_regs.rsi);
}

static void test_kernel_is_mapped_where_it_wants_and_zeroed_beyond(void **state)
{
    struct world *w = *state;
    const struct test_kernel *k = &test_kernel_linux;
    uint64_t base = k->virt_base + k->paddr;

    built(w);
    assert_int_equal(context(w)->user_regs.rip, k->entry);
    for (uint64_t i = 0; i < k->mem_size; i += 8) {
        uint8_t want = i < k->file_size ? test_kernel_byte : 0;

        assert_int_equal(*(uint8_t *)at(w, base + i), want);
    }
}

static void test_zeroes_are_not_copied_into_zeroed_memory(void **state)
{
    struct world *w = *state;
    struct test_kernel k = test_kernel_linux;
    unsigned windows;

    builder_close(w->b);
    hv_fake_set_zeroed(true);
    assert_int_equal(builder_open(w->hv, w->fm, &w->b, &w->err), 0);
    test_kernel_is_mapped_where_it_wants_and_zeroed_beyond(state);
    test_kernel_byte = 0; /* nothing of it is left to copy */
    use_kernel(w, &k);
    windows = hv_fake_calls("fmem_map");
    built(w);
    /* All but the kernel's window: it needs none. */
    assert_int_equal(hv_fake_calls("fmem_map") - windows, 3);
    for (uint64_t i = 0; i < k.mem_size; i += 8)
        assert_int_equal(*(uint8_t *)at(w, k.virt_base + k.paddr + i), 0);
    test_kernel_byte = 'k';
}

static void test_start_info_says_where_everything_is(void **state)
{
    struct world *w = *state;
    const struct start_info *si;
    const uint64_t *p2m;

    built(w);
    si = start_info(w);
    assert_string_equal(si->magic, "xen-3.0-x86_64");
    assert_int_equal(si->nr_pages, 32 << 8);
    assert_int_equal(si->store_mfn, w->d.store_mfn);
    assert_int_equal(si->store_evtchn, w->d.store_port);
    assert_int_equal(si->console.domU.mfn, w->d.console_mfn);
    assert_int_equal(si->console.domU.evtchn, w->d.console_port);
    assert_string_equal((const char *)si->cmd_line, "console=hvc0");
    assert_int_equal(si->flags, SIF_MOD_START_PFN);
    assert_int_equal(si->mod_len, RAMDISK_SIZE);
    assert_int_equal(si->mfn_list, test_kernel_linux.p2m_base);

    /* The list names the machine frame behind each mapped page. */
    p2m = at(w, si->mfn_list);
    for (uint64_t pfn = 0; pfn < 4096 / 8; pfn++) {
        uint64_t e = entry_of(w, test_kernel_linux.virt_base + pfn * 4096);

        if (e)
            assert_int_equal(e >> 12 & 0xffffffffffull, p2m[pfn]);
    }
    /* The ramdisk, by frame number, to its last byte and zero after. */
    for (uint64_t i = 0; i < 2 * 4096; i++) {
        uint64_t pfn = si->mod_start + i / 4096;
        const uint64_t *part = at(w, si->mfn_list + pfn * 8);
        const uint8_t *page = hv_fake_frame(*part);

        assert_int_equal(page[i % 4096], i < RAMDISK_SIZE ? 'r' : 0);
    }
}

static void test_page_tables_are_mapped_read_only_and_counted(void **state)
{
    struct world *w = *state;
    const struct start_info *si;

    built(w);
    si = start_info(w);
    for (uint64_t i = 0; i < si->nr_pt_frames; i++) {
        uint64_t e = entry_of(w, si->pt_base + i * 4096);

        assert_true(e & 1);
        assert_false(e & 2);
    }
    /* The next page is the stack, and can be written. */
    assert_true(entry_of(w, si->pt_base + si->nr_pt_frames * 4096) & 2);
    assert_int_equal(context(w)->user_regs.rsp,
                     si->pt_base + (si->nr_pt_frames + 1) * 4096);
    /* At least 512 KiB are mapped behind it. */
    assert_true(entry_of(w, context(w)->user_regs.rsp + (512 << 10) - 1) & 1);
    /* List and its own tables, as the kernel will free them. */
    assert_int_equal(si->nr_p2m_frames, 16 + 3);
}

static void test_start_pages_hold_no_junk(void **state)
{
    struct world *w = *state;
    struct hv_fake_domain *d;
    uint64_t mfns[4];

    built(w);
    d = hv_fake_domain(w->d.domid);
    mfns[0] = w->d.store_mfn;
    mfns[1] = w->d.console_mfn;
    mfns[2] = entry_of(w, context(w)->user_regs.rsp - 8) >> 12 & 0xffffffffff;
    mfns[3] = d->shared_info_mfn;
    for (int i = 0; i < 4; i++) {
        const uint8_t *page = hv_fake_frame(mfns[i]);

        for (int j = 0; j < 4096; j++) {
            /* All upcalls start masked. */
            int mask = i == 3 && j < 32 * 64 && j % 64 == 1;

            assert_int_equal(page[j], mask);
        }
    }
}

static void
test_console_and_store_pages_are_granted_to_their_daemons(void **state)
{
    struct world *w = *state;
    const struct grant_entry_v1 *g;

    built(w);
    g = hv_fake_frame(hv_fake_domain(w->d.domid)->grant_mfn);
    assert_int_equal(g[GNTTAB_RESERVED_CONSOLE].flags, GTF_permit_access);
    assert_int_equal(g[GNTTAB_RESERVED_CONSOLE].domid, 0);
    assert_int_equal(g[GNTTAB_RESERVED_CONSOLE].frame, w->d.console_mfn);
    assert_int_equal(g[GNTTAB_RESERVED_XENSTORE].flags, GTF_permit_access);
    assert_int_equal(g[GNTTAB_RESERVED_XENSTORE].frame, w->d.store_mfn);
}

static void test_first_vcpu_starts_in_the_flat_segments(void **state)
{
    struct world *w = *state;
    const struct vcpu_guest_context *c;

    built(w);
    c = context(w);
    assert_int_equal(c->user_regs.cs, FLAT_KERNEL_CS64);
    assert_int_equal(c->user_regs.ss, FLAT_KERNEL_SS64);
    assert_int_equal(c->flags, VGCF_in_kernel | VGCF_online);
    assert_int_equal(c->user_regs.rflags & 0x200, 0x200);
}

static void test_domain_has_what_the_configuration_says(void **state)
{
    struct world *w = *state;
    struct hv_fake_domain *d;

    configure(w, "maxmem = 64; maxvcpus = 3; cpus = '1'; cpu_weight = 512\n"
                 "cap = 50; tsc_mode = 'native'; rtc_timeoffset = 60\n"
                 "cpuid = 'host,sse3=0'; uuid = "
                 "'01234567-89ab-cdef-0123-456789abcdef'");
    built(w);
    d = hv_fake_domain(w->d.domid);
    assert_int_equal(d->max_vcpus, 3);
    assert_int_equal(d->map.size, 64 << 20);
    assert_int_equal(d->max_pages, (32 << 8) + 256);
    assert_int_equal(d->tot_pages, 32 << 8);
    assert_int_equal(d->claimed, 0);
    assert_int_equal(d->hard[0], 2);
    assert_int_equal(d->hard[2], 2);
    assert_int_equal(d->weight, 512);
    assert_int_equal(d->cap, 50);
    assert_int_equal(d->tsc.tsc_mode, 2);
    assert_int_equal(d->time_offset, 60);
    assert_int_equal(d->leaves[0].c, ~1u);
    assert_int_equal(d->address_size, 64);
    assert_int_equal(d->created.handle[1], 0x23);
    assert_true(d->paused);
}

static void test_memory_in_single_pages_serves_as_well(void **state)
{
    struct world *w = *state;

    hv_fake_set_fragmented(true);
    built(w);
    assert_int_equal(hv_fake_domain(w->d.domid)->tot_pages, 32 << 8);
}

static void test_kernels_of_other_habits(void **state)
{
    static const struct test_kernel *const kernels[] = {&test_kernel_old,
                                                        &test_kernel_low};
    struct world *w = *state;

    for (int i = 0; i < 2; i++) {
        const struct start_info *si;

        use_kernel(w, kernels[i]);
        built(w);
        si = start_info(w);
        assert_int_equal(si->flags, 0);
        /* Ramdisk and list are in the first mapping. */
        assert_int_equal(*(char *)at(w, si->mod_start), 'r');
        assert_int_equal(*(uint64_t *)at(w, si->mfn_list),
                         entry_of(w, kernels[i]->virt_base) >> 12 &
                             0xffffffffff);
        if (kernels[i]->hypercall_page)
            assert_int_equal(*(uint8_t *)at(w, kernels[i]->hypercall_page),
                             0xcc);
    }
}

static void test_packed_ramdisk_is_unpacked_for_others_than_linux(void **state)
{
    struct world *w = *state;
    char command[300];

    snprintf(command, sizeof(command),
             "gzip %s/ramdisk && mv %s/ramdisk.gz "
             "%s/ramdisk",
             w->dir, w->dir, w->dir);
    assert_int_equal(system(command), 0);
    load(w);
    assert_int_equal(w->ramdisk->size, RAMDISK_SIZE);
    assert_int_equal(w->ramdisk->data[RAMDISK_SIZE - 1], 'r');
    test_kernel_os = "linux";
    use_kernel(w, &test_kernel_linux);
    test_kernel_os = "test";
    assert_true(w->ramdisk->size < 200);
    built(w);
    assert_int_equal(start_info(w)->mod_len, w->ramdisk->size);
}

/* --- failures ------------------------------------------------------------ */

static void nothing_is_left(const struct world *w)
{
    assert_int_equal(hv_fake_nr_domains(), 0);
    assert_int_equal(hv_fake_nr_windows(), 0);
    assert_int_equal(hv_fake_free_pages(), 65535);
    assert_true(w->err.rc < 0);
    assert_true(strlen(w->err.text) > 10);
    assert_int_equal(w->err.text[strlen(w->err.text) - 1], '.');
}

static void test_any_refused_call_leaves_nothing_behind(void **state)
{
    static const char *const calls[] = {
        "hv_physinfo",
        "hv_domain_create",
        "hv_domain_set_max_vcpus",
        "hv_domain_set_address_size",
        "hv_vcpu_set_affinity",
        "hv_domain_set_sched",
        "hv_domain_set_tsc",
        "hv_domain_set_time_offset",
        "hv_domain_alloc_port",
        "hv_system_cpu_policy",
        "hv_domain_get_cpu_policy",
        "hv_domain_set_cpu_policy",
        "hv_domain_set_max_mem",
        "hv_memory_set_map",
        "hv_memory_claim",
        "hv_memory_populate",
        "hv_domain_info",
        "hv_mmuext_pin",
        "hv_vcpu_set_context",
        "fmem_map",
        "fmem_resource_map",
    };
    struct world *w = *state;

    configure(w, "cpus='1'; cpu_weight=1; tsc_mode=2; rtc_timeoffset=1\n"
                 "cpuid='host,sse3=0'");
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
        for (unsigned skip = 0; skip < 3; skip++) {
            hv_fake_fail(calls[i], skip, -EIO);
            if (!build(w)) {
                /* It is not called so often. */
                assert_int_not_equal(skip, 0);
                assert_int_equal(hv_domain_destroy(w->hv, w->d.domid), 0);
                continue;
            }
            assert_int_equal(w->err.rc, -EIO);
            nothing_is_left(w);
        }
}

static void refused(struct world *w, const char *more, int rc, const char *part)
{
    configure(w, more);
    if (builder_load_images(w->cfg, NULL, &w->kernel, &w->ramdisk, &w->err))
        fail_msg("%s", w->err.text);
    assert_int_equal(build(w), rc);
    if (!strstr(w->err.text, part))
        fail_msg("`%s' lacks `%s'", w->err.text, part);
    nothing_is_left(w);
    load(w);
}

static void drop_images(struct world *w)
{
    image_free(w->kernel);
    image_free(w->ramdisk);
    w->kernel = w->ramdisk = NULL;
}

static void test_what_cannot_be_is_refused_in_a_sentence(void **state)
{
    static const struct {
        const char *more;
        int rc;
        const char *part;
    } cases[] = {
        {"memory = 300", -ENOMEM, "needs 300 MiB, 255 MiB are free"},
        {"memory = 4", -ENOMEM, "the guest has only 4 MiB: raise `memory'"},
        {"cpus = '7'", -EINVAL, "leaves vcpu 0 no CPU"},
        {"type = 'pvh'", -EOPNOTSUPP, "PVH guests cannot be built yet"},
        {"pool = 'x'", -EOPNOTSUPP, "no CPU pool x"},
        {"cpuid = 'host,warp=0'", -EINVAL, "`warp' is no processor feature"},
        {"cpuid = 'host,sse3=5'", -EINVAL, "sse3 can be 0 (hide) or 1"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        drop_images(w);
        refused(w, cases[i].more, cases[i].rc, cases[i].part);
    }
}

static void test_ramdisk_larger_than_memory_is_refused(void **state)
{
    struct world *w = *state;
    uint8_t *huge = calloc(1, 40 << 20);
    char path[100];

    snprintf(path, sizeof(path), "%s/ramdisk", w->dir);
    write_file(path, huge, 40 << 20);
    free(huge);
    load(w);
    assert_int_equal(build(w), -ENOMEM);
    assert_non_null(strstr(w->err.text, "raise `memory'"));
    nothing_is_left(w);
}

static void test_hypervisor_without_pv_is_told(void **state)
{
    struct world *w = *state;

    builder_close(w->b);
    hv_fake_set_caps("hvm-3.0-x86_64");
    assert_int_equal(builder_open(w->hv, w->fm, &w->b, &w->err), 0);
    assert_int_equal(build(w), -EOPNOTSUPP);
    nothing_is_left(w);
}

static void test_missing_images_are_named(void **state)
{
    struct world *w = *state;
    struct image *k = NULL, *r = NULL;

    configure(w, "kernel = '/nowhere/vmlinuz'");
    assert_int_equal(builder_load_images(w->cfg, NULL, &k, &r, &w->err),
                     -ENOENT);
    assert_string_equal(w->err.text,
                        "The kernel /nowhere/vmlinuz does not exist.");
    configure(w, "ramdisk = '/nowhere/initrd'");
    assert_int_equal(builder_load_images(w->cfg, NULL, &k, &r, &w->err),
                     -ENOENT);
    assert_string_equal(w->err.text,
                        "The ramdisk /nowhere/initrd does not exist.");
    assert_null(k);
    configure(w, "kernel = '/dev/null'");
    assert_int_equal(builder_load_images(w->cfg, NULL, &k, &r, &w->err),
                     -EINVAL);
    configure(w, "bootloader = 'lilo'");
    assert_int_equal(builder_load_images(w->cfg, NULL, &k, &r, &w->err),
                     -EOPNOTSUPP);
}

/* --- nodes --------------------------------------------------------------- */

static const char *value_of(const struct node_list *l, const char *path)
{
    for (size_t i = 0; i < l->nr; i++)
        if (!strcmp(l->nodes[i].path, path))
            return l->nodes[i].value;
    return NULL;
}

static void test_nodes_name_what_was_built(void **state)
{
    struct world *w = *state;
    struct node_list l;
    char number[32];

    configure(w, "maxvcpus = 3; maxmem = 64");
    built(w);
    node_list_init(&l);
    assert_int_equal(nodes_for_domain(&l, w->cfg, &w->d, 1700000000), 0);
    assert_int_equal(w->d.domid, 1);
    assert_string_equal(value_of(&l, "/local/domain/1/name"), "g");
    assert_string_equal(value_of(&l, "/local/domain/1/memory/target"), "32768");
    assert_string_equal(value_of(&l, "/local/domain/1/memory/static-max"),
                        "65536");
    assert_string_equal(value_of(&l, "/local/domain/1/cpu/1/availability"),
                        "online");
    assert_string_equal(value_of(&l, "/local/domain/1/cpu/2/availability"),
                        "offline");
    snprintf(number, sizeof(number), "%llu",
             (unsigned long long)w->d.console_mfn);
    assert_string_equal(value_of(&l, "/local/domain/1/console/ring-ref"),
                        number);
    assert_string_equal(value_of(&l, "/libxl/1/type"), "pv");
    assert_string_equal(
        value_of(&l, "/local/domain/0/backend/console/1/0/frontend"),
        "/local/domain/1/console");
    /* The guest must be able to answer a shutdown. */
    for (size_t i = 0; i < l.nr; i++)
        if (!strcmp(l.nodes[i].path, "/local/domain/1/control/shutdown")) {
            assert_true(l.nodes[i].has_perms);
            assert_int_equal(l.nodes[i].perms.owner, 1);
        }
    node_list_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_kernel_is_mapped_where_it_wants_and_zeroed_beyond),
        T(test_zeroes_are_not_copied_into_zeroed_memory),
        T(test_start_info_says_where_everything_is),
        T(test_page_tables_are_mapped_read_only_and_counted),
        T(test_start_pages_hold_no_junk),
        T(test_console_and_store_pages_are_granted_to_their_daemons),
        T(test_first_vcpu_starts_in_the_flat_segments),
        T(test_domain_has_what_the_configuration_says),
        T(test_memory_in_single_pages_serves_as_well),
        T(test_kernels_of_other_habits),
        T(test_packed_ramdisk_is_unpacked_for_others_than_linux),
        T(test_any_refused_call_leaves_nothing_behind),
        T(test_what_cannot_be_is_refused_in_a_sentence),
        T(test_ramdisk_larger_than_memory_is_refused),
        T(test_hypervisor_without_pv_is_told),
        T(test_missing_images_are_named),
        T(test_nodes_name_what_was_built),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
