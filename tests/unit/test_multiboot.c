/*
 * What a loader hands over (Multiboot 1: 3.3, Multiboot 2: 3.6) becomes
 * boot_info; lengths that do not fit are not followed. Memory maps come out
 * sorted and disjoint, and what is RAM to one entry only is not RAM.
 */
#include "boot/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MB1 0x2badb002
#define MB2 0x36d76289

/* The machine's memory: [BASE, BASE + size) exists. */
#define BASE 0x10000u
static uint8_t *ram;
static uint32_t ram_size;
static jmp_buf stopped_here;
static char message[400];

const void *boot_phys(uint64_t phys, uint64_t n)
{
    if (phys >= 4ull << 30 || n > (4ull << 30) - phys)
        return NULL;
    if (phys < BASE || phys > BASE + ram_size)
        return ram; /* in reach, but nobody should read it */
    return ram + (phys - BASE);
}

void boot_stop(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    longjmp(stopped_here, 1);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

/* A block of exactly `size` bytes, so that the sanitizer sees a read past. */
static void set_ram(const void *bytes, uint32_t size)
{
    free(ram);
    ram = malloc(size);
    ram_size = size;
    memcpy(ram, bytes, size);
}

static bool stops(uint32_t magic)
{
    memset(&boot_info, 0, sizeof(boot_info));
    message[0] = 0;
    if (setjmp(stopped_here))
        return true;
    multiboot_parse(magic, BASE);
    return false;
}

static uint8_t block[1024];
static uint32_t used;

static void mb2_begin(void)
{
    memset(block, 0, sizeof(block));
    used = 8;
}

static void mb2_add(uint32_t type, const void *payload, uint32_t n)
{
    uint32_t head[2] = {type, n + 8};

    memcpy(block + used, head, 8);
    memcpy(block + used + 8, payload, n);
    used = (used + 8 + n + 7) & ~7u;
}

static void mb2_add_map(void)
{
    struct {
        uint32_t step, version;
        struct {
            uint64_t addr, len;
            uint32_t type, zero;
        } e[2];
    } map = {24, 0, {{0, 0x9f000, 1, 0}, {0x100000, 0x7f00000, 1, 0}}};

    mb2_add(6, &map, sizeof(map));
}

static void mb2_end(void)
{
    mb2_add(0, "", 0);
    memcpy(block, &used, 4);
    set_ram(block, used);
}

static void test_multiboot2_tags_are_understood(void **state)
{
    uint8_t module[24] = {0}, rsdp[36] = "RSD PTR ", fb[32] = {0};
    uint32_t start = 0x400000, end = 0x500000;
    uint64_t systab = 0x7ff0018, base = 0xc0000000;
    uint32_t shape[3] = {5120, 1280, 800};

    (void)state;
    memcpy(module, &start, 4);
    memcpy(module + 4, &end, 4);
    strcpy((char *)module + 8, "root=/dev/sda");
    memcpy(fb, &base, 8);
    memcpy(fb + 8, shape, 12);
    fb[20] = 32, fb[21] = 1, fb[24] = 16, fb[25] = 8;

    mb2_begin();
    mb2_add(1, "dom0_mem=1G", 12);
    mb2_add(2, "GRUB 2.06", 10);
    mb2_add(3, module, 22);
    mb2_add_map();
    mb2_add(8, fb, 30);
    mb2_add(12, &systab, 8);
    mb2_add(15, rsdp, 36);
    mb2_add(99, "unknown", 8);
    mb2_end();
    assert_false(stops(MB2));
    assert_string_equal(boot_info.cmdline, "dom0_mem=1G");
    assert_int_equal(boot_info.nr_modules, 1);
    assert_int_equal(boot_info.module[0].start, start);
    assert_int_equal(boot_info.module[0].size, end - start);
    assert_string_equal(boot_info.module[0].cmdline, "root=/dev/sda");
    assert_int_equal(boot_info.nr_map, 2);
    assert_int_equal(boot_info.map[1].end, 0x8000000);
    assert_int_equal(boot_info.efi_systab, systab);
    assert_memory_equal(boot_info.rsdp_copy, rsdp, 36);
    assert_int_equal(boot_info.fb.width, 1280);
    assert_int_equal(boot_info.fb.rpos, 16);
}

static void test_efi_map_serves_when_there_is_no_other(void **state)
{
    struct {
        uint32_t step, version;
        struct {
            uint32_t type, pad;
            uint64_t phys, virt, pages, attr, more;
        } e[3];
    } map = {48,
             1,
             {{7, 0, 0x100000, 0, 0x100, 0, 0},
              {9, 0, 0x200000, 0, 1, 0, 0},
              {4, 0, 0x300000, 0, 2, 0, 0}}};

    (void)state;
    mb2_begin();
    mb2_add(17, &map, sizeof(map));
    mb2_end();
    assert_false(stops(MB2));
    assert_int_equal(boot_info.nr_map, 3);
    assert_int_equal(boot_info.map[0].end, 0x200000);
    assert_int_equal(boot_info.map[1].type, E820_ACPI);
    assert_int_equal(boot_info.map[2].type, E820_RAM);
}

static void test_tags_that_lie_about_their_size_end_the_list(void **state)
{
    static const uint32_t sizes[] = {0, 1, 7, 100000, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint32_t at;

        mb2_begin();
        mb2_add_map();
        at = used;
        mb2_add(1, "noreboot", 9);
        memcpy(block + at + 4, &sizes[i], 4);
        mb2_end();
        assert_false(stops(MB2));
        assert_string_not_equal(boot_info.cmdline, "noreboot");
    }
}

static void test_short_payloads_are_not_read_past(void **state)
{
    (void)state;
    for (uint32_t type = 1; type < 20; type++)
        for (uint32_t n = 0; n < 40; n++) {
            mb2_begin();
            mb2_add_map();
            mb2_add(type,
                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                    n);
            /* No end tag, and the block ends with the payload. */
            memcpy(block, &used, 4);
            set_ram(block, used);
            stops(MB2);
        }
}

static void test_multiboot1_reads_qemus_form(void **state)
{
    struct {
        uint32_t info[29];
        struct {
            uint32_t size;
            uint64_t addr, len;
            uint32_t type;
        } __attribute__((packed)) map[2];
        uint32_t mod[4];
        char cmdline[4096], mod_cmdline[4096];
    } __attribute__((packed)) mb = {.info = {0}};

    (void)state;
#define AT(field) (uint32_t)(BASE + offsetof(__typeof__(mb), field))
    mb.info[0] = 1 << 2 | 1 << 3 | 1 << 6;
    mb.info[4] = AT(cmdline);
    mb.info[5] = 1;
    mb.info[6] = AT(mod);
    mb.info[11] = sizeof(mb.map);
    mb.info[12] = AT(map);
    mb.map[0].size = mb.map[1].size = 20;
    mb.map[0].len = 0x9f000;
    mb.map[0].type = mb.map[1].type = 1;
    mb.map[1].addr = 0x100000;
    mb.map[1].len = 0x7f00000;
    mb.mod[0] = 0x400000;
    mb.mod[1] = 0x480000;
    mb.mod[2] = AT(mod_cmdline);
    strcpy(mb.cmdline, "build/paravane.elf loglvl=all");
    strcpy(mb.mod_cmdline, "vmlinuz root=/dev/vda ro");
    set_ram(&mb, sizeof(mb));
    assert_false(stops(MB1));
    assert_string_equal(boot_info.cmdline, "loglvl=all");
    assert_string_equal(boot_info.module[0].cmdline, "root=/dev/vda ro");
    assert_int_equal(boot_info.module[0].size, 0x80000);
    assert_int_equal(boot_info.nr_map, 2);

    mb.mod[1] = 0x300000; /* ends before it begins */
    set_ram(&mb, sizeof(mb));
    assert_true(stops(MB1));
    assert_non_null(strstr(message, "Module 0"));
}

static void test_no_map_or_foreign_magic_stops(void **state)
{
    (void)state;
    mb2_begin();
    mb2_end();
    assert_true(stops(MB2));
    assert_non_null(strstr(message, "memory map"));
    assert_true(stops(0x12345678));
}

static void test_map_is_sorted_and_the_stricter_type_wins(void **state)
{
    struct boot_range map[MAX_E820] = {
        {0x200000, 0x400000, E820_RAM},
        {0x100800, 0x2ff800, E820_RAM},
        {0x300000, 0x301000, E820_RESERVED},
        {0x3ff800, 0x500000, E820_NVS},
    };
    static const struct boot_range want[] = {
        {0x101000, 0x300000, E820_RAM},
        {0x300000, 0x301000, E820_RESERVED},
        {0x301000, 0x3ff000, E820_RAM},
        {0x3ff800, 0x500000, E820_NVS},
    };
    unsigned nr = 4;

    (void)state;
    boot_map_tidy(map, &nr, 1ull << 40);
    assert_int_equal(nr, ARRAY_SIZE(want));
    for (unsigned i = 0; i < nr; i++) {
        assert_int_equal(map[i].start, want[i].start);
        assert_int_equal(map[i].end, want[i].end);
        assert_int_equal(map[i].type, want[i].type);
    }
}

static void test_ram_beyond_the_limit_is_unusable(void **state)
{
    struct boot_range map[MAX_E820] = {{0x100000, 0x900000, E820_RAM}};
    unsigned nr = 1;

    (void)state;
    boot_map_tidy(map, &nr, 0x800000);
    assert_int_equal(nr, 2);
    assert_int_equal(map[0].end, 0x800000);
    assert_int_equal(map[1].type, E820_UNUSABLE);
}

static int free_ram(void **state)
{
    (void)state;
    free(ram);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiboot2_tags_are_understood),
        cmocka_unit_test(test_efi_map_serves_when_there_is_no_other),
        cmocka_unit_test(test_tags_that_lie_about_their_size_end_the_list),
        cmocka_unit_test(test_short_payloads_are_not_read_past),
        cmocka_unit_test(test_multiboot1_reads_qemus_form),
        cmocka_unit_test(test_no_map_or_foreign_magic_stops),
        cmocka_unit_test(test_map_is_sorted_and_the_stricter_type_wins),
        cmocka_unit_test(test_ram_beyond_the_limit_is_unusable),
    };

    return cmocka_run_group_tests(tests, NULL, free_ram);
}
