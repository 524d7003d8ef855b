/*
 * xl.cfg(5) files: what they mean, and what is said about broken ones.
 * sources: dom0/config/lex.c dom0/config/parse.c dom0/config/value.c
 * sources: dom0/config/read.c dom0/config/names.c
 * sources: dom0/config/domconfig.c dom0/config/keys.c dom0/config/disk.c
 * sources: dom0/config/nic.c dom0/config/cpuset.c dom0/config/report.c
 */
#include "dom0/config/domconfig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char minimal[] = "name = 'g'\nkernel = '/k'\nmemory = 64\n";

static struct domconfig *parse(const char *text, struct report *r)
{
    struct domconfig *c = NULL;
    int rc;

    report_init(r, "f.cfg");
    rc = domconfig_parse(text, strlen(text), NULL, r, &c);
    assert_int_equal(rc, r->nr_errors ? -EINVAL : 0);
    assert_true((c == NULL) == (rc != 0));
    return c;
}

/* Of the minimal configuration and more; no errors, no warnings. */
static struct domconfig *good(const char *more)
{
    char text[4000];
    struct report r;
    struct domconfig *c;

    snprintf(text, sizeof(text), "%s%s\n", minimal, more);
    c = parse(text, &r);
    if (r.nr_lines)
        fail_msg("%s: %s", more, r.lines[0].text);
    assert_non_null(c);
    report_free(&r);
    return c;
}

/* The first message, error or not. */
static void says(const char *text, bool error, const char *want)
{
    struct report r;
    struct domconfig *c = parse(text, &r);

    if (!r.nr_lines)
        fail_msg("nothing is said about: %s", text);
    assert_string_equal(r.lines[0].text, want);
    assert_int_equal(r.lines[0].error, error);
    domconfig_free(c);
    report_free(&r);
}

static void says_more(const char *more, bool error, const char *want)
{
    char text[4000], all[400];

    snprintf(text, sizeof(text), "%s%s", minimal, more);
    snprintf(all, sizeof(all), "f.cfg:4:%s", want);
    says(text, error, all);
}

static void test_defaults(void **state)
{
    struct domconfig *c = good("");

    (void)state;
    assert_string_equal(c->name, "g");
    assert_int_equal(c->type, GUEST_PV);
    assert_int_equal(c->vcpus, 1);
    assert_int_equal(c->max_vcpus, 1);
    assert_int_equal(c->memory_kib, 65536);
    assert_int_equal(c->maxmem_kib, 65536);
    assert_string_equal(c->cmdline, "");
    assert_int_equal(c->on_poweroff, ACTION_DESTROY);
    assert_int_equal(c->on_reboot, ACTION_RESTART);
    assert_int_equal(c->on_crash, ACTION_DESTROY);
    assert_int_equal(c->weight, -1);
    assert_null(c->hard);
    assert_false(c->uuid_given);
    assert_int_equal(c->uuid[6] >> 4, 4);
    domconfig_free(c);
}

static void test_everything_a_pv_guest_uses(void **state)
{
    struct domconfig *c =
        good("uuid='01234567-89ab-cdef-0123-456789abcdef' # comment\n"
             "ramdisk = \"/r\"; root='/dev/xvda1 ro'; extra = 'quiet "
             "\\\"a\\x41\\101'\n"
             "maxmem = 0x80; vcpus = 2; maxvcpus=4\n"
             "cpus = ['0-3,^2', \"all\",\n  '1',\n] ; cpus_soft = '1'\n"
             "cpu_weight=512; cap=25\n"
             "on_poweroff='preserve';on_reboot='destroy';on_crash="
             "'coredump-restart';on_watchdog = 'rename-restart'\n"
             "tsc_mode='native'; localtime=1; rtc_timeoffset = 3600\n"
             "cpuid='host,sse3=0,avx=1'\n"
             "disk = ['/i.img,raw,xvda,w', 'format=qcow2,vdev=xvdb,access=ro,"
             "target=/a,b=c.qcow2']\n"
             "vif = ['mac=00:16:3e:01:02:03,bridge=br0', '']\n"
             "vnc = 1; vfb=[]; pci = []; nomigrate=1; max_grant_frames=64\n");

    (void)state;
    assert_true(c->uuid_given);
    assert_int_equal(c->uuid[15], 0xef);
    assert_string_equal(c->cmdline, "root=/dev/xvda1 ro quiet \"aAA");
    assert_int_equal(c->maxmem_kib, 131072);
    assert_int_equal(c->vcpus, 2);
    assert_int_equal(c->max_vcpus, 4);
    assert_int_equal(c->hard[0].bits[0], 0xb);
    assert_true(c->hard[1].all);
    assert_int_equal(c->hard[2].bits[0], 2);
    assert_true(c->hard[3].all);
    assert_int_equal(c->soft[3].bits[0], 2);
    assert_int_equal(c->weight, 512);
    assert_int_equal(c->cap, 25);
    assert_int_equal(c->on_poweroff, ACTION_PRESERVE);
    assert_int_equal(c->on_reboot, ACTION_DESTROY);
    assert_int_equal(c->on_crash, ACTION_COREDUMP_RESTART);
    assert_int_equal(c->on_watchdog, ACTION_RENAME_RESTART);
    assert_int_equal(c->tsc_mode, TSC_NATIVE);
    assert_true(c->localtime && c->nomigrate);
    assert_int_equal(c->rtc_timeoffset_s, 3600);
    assert_int_equal(c->nr_cpuid, 2);
    assert_string_equal(c->cpuid[1].name, "avx");
    assert_string_equal(c->cpuid[1].value, "1");
    assert_int_equal(c->nr_disks, 2);
    assert_string_equal(c->disks[0].target, "/i.img");
    assert_string_equal(c->disks[1].target, "/a,b=c.qcow2");
    assert_int_equal(c->disks[1].format, DISK_QCOW2);
    assert_true(c->disks[1].read_only);
    assert_int_equal(c->nr_nics, 2);
    assert_string_equal(c->nics[0].bridge, "br0");
    assert_int_equal(c->nics[0].mac[5], 3);
    assert_int_equal(c->nics[1].devid, 1);
    assert_int_equal(c->nics[1].mac[0], 0);
    assert_int_equal(c->nics[1].mac[2], 0x3e);
    assert_int_equal(c->max_grant_frames, 64);
    domconfig_free(c);
}

static void test_addresses_stay_with_the_uuid(void **state)
{
    uint8_t uuid[16] = {1}, a[6], b[6];
    struct report r;
    struct domconfig *c;
    const char text[] = "name='g';kernel='/k';memory=64;vif=['']";

    (void)state;
    report_init(&r, "f");
    assert_int_equal(domconfig_parse(text, strlen(text), uuid, &r, &c), 0);
    assert_memory_equal(c->uuid, uuid, 16);
    nic_mac_derive(uuid, 0, a);
    assert_memory_equal(c->nics[0].mac, a, 6);
    nic_mac_derive(uuid, 1, b);
    assert_memory_not_equal(a, b, 6);
    domconfig_free(c);
    report_free(&r);
}

static void test_later_lines_win_and_append(void **state)
{
    struct domconfig *c = good("memory = 32\nextra='a'\nextra += ' b'\n"
                               "disk=['/a,raw,xvda,w']\n"
                               "disk += ['/b,raw,xvdb,w']\nname='h'");

    (void)state;
    assert_int_equal(c->memory_kib, 32768);
    assert_string_equal(c->cmdline, "a b");
    assert_int_equal(c->nr_disks, 2);
    assert_string_equal(c->name, "h");
    domconfig_free(c);
}

static void test_syntax_errors_say_where_and_what(void **state)
{
    (void)state;
    says_more("vcpus 2", true,
              "7: expected `=' after the name, found a number");
    says_more("vcpus =", true,
              "8: expected a value (a number, a string in quotes, or a list), "
              "found the end of the file");
    says_more("vcpus = yes", true,
              "9: expected a value (a number, a string in quotes, or a list), "
              "found `yes'");
    says_more("extra = 'abc", true,
              "9: this string has no closing ' on its line");
    says_more("disk = [ 'a' 'b' ]", true,
              "14: expected `,' or `]', found a string");
    says_more("disk = [ 'a',\n", true,
              "8: this `[' has no `]' before the end of the file");
    says_more("vcpus = 1 2", true,
              "11: expected the end of the line, found a number");
    says_more("= 2", true, "1: expected the name of a setting, found `='");
    says_more("extra = 'a\\q'", true,
              "11: this is no escape sequence (\\n, \\t, \\\\, \\\", \\', "
              "\\xHH or \\OOO is)");
    says_more("extra = $x", true,
              "9: `$' means nothing here (is it text without quotes?)");
    says_more("extra = \x01", true, "9: the byte 0x01 means nothing here");
    says_more("extra = [[[[[[[[['a']]]]]]]]]", true,
              "17: lists go only 8 deep");
    says_more("extra += ['a']; extra += 'b'", true,
              "26: `+=' joins two lists or two texts, not one of each");
}

static void test_all_broken_lines_are_reported(void **state)
{
    struct report r;
    struct domconfig *c = parse("a b\nname = 'g'\nc d\ne = [1 2]\n", &r);

    (void)state;
    assert_null(c);
    assert_int_equal(r.nr_errors, 3);
    assert_int_equal(r.lines[2].at.line, 4);
    report_free(&r);
}

static void test_unknown_and_unsupported_keys_are_named(void **state)
{
    (void)state;
    says_more("colour = 1", false, "1: `colour' is not known and ignored");
    says_more("vfb = ['vnc=1']", false,
              "1: `vfb' is not supported and ignored");
    says_more("pci = ['01:00.0']", true, "1: `pci' is not supported");
}

static void test_values_are_checked(void **state)
{
    (void)state;
    says_more("vcpus = 0", true, "9: 0 is out of range: 1 to 128");
    says_more("vcpus = 'many'", true, "9: expected a number, found `many'");
    says_more("vcpus = []", true, "9: expected a number, found a list");
    says_more("maxmem = 32", true,
              "10: maxmem (32 MiB) is less than memory (64 MiB)");
    says_more("maxvcpus = 1; vcpus=2", true,
              "12: maxvcpus (1) is less than vcpus (2)");
    says_more("type = 'xen'", true, "8: `xen' is no type (pv, pvh or hvm)");
    says_more("on_crash = 'dance'", true,
              "12: `dance' is no action (destroy, restart, rename-restart, "
              "preserve, coredump-destroy, coredump-restart)");
    says_more("uuid = '123'", true,
              "8: `123' is no UUID (32 hexadecimal digits, with dashes)");
    says_more("cpus = '3-1'", true,
              "8: a range of CPUs goes from a lower to a higher number, as in "
              "\"0-3\"");
    says_more("cpus = '1,^1'", true, "8: this leaves no CPU to run on");
    says_more("name = ['a']", true, "8: expected a string, found a list");
    says_more("name = '17'", true,
              "8: a guest's name cannot be a number: it would be taken for an "
              "id");
    says_more("name = 'a/b'", true,
              "8: a guest's name cannot hold `/' or control characters");
    says("kernel='/k';memory=64", true, "f.cfg: the guest has no `name'");
    says("name='g';memory=64", true,
         "f.cfg: nothing to boot: give a `kernel' or a `bootloader'");
    says("name='g';kernel='/k'", false,
         "f.cfg: no `memory' is given: the guest gets 128 MiB");
}

static void test_devices_are_checked(void **state)
{
    (void)state;
    says_more("disk = ['/i,xvda,w']", true,
              "9: `xvda' is no image format (raw, qcow, qcow2, vhd, vhdx, "
              "vmdk, vdi or qed); the order is target, format, vdev, access");
    says_more("disk = ['/i,raw']", true,
              "9: the disk has no vdev: say where the guest sees it, as in "
              "\"/path/disk.img,raw,xvda,w\"");
    says_more("disk = ['/i,raw,xvda,w', '/j,raw,xvda,w']", true,
              "26: there are two disks called xvda");
    says_more("disk = ['/i,raw,foo,w']", true,
              "9: `foo' is no virtual disk (xvda, sdb1, hdc or the like)");
    says_more("disk = ['/i,raw,xvda,x']", true,
              "9: `x' is no access mode (r or w)");
    says_more("disk = [',raw,xvda,r']", true,
              "9: the disk xvda has no target: name a file or a device");
    says_more("vif = ['mac=1']", true,
              "8: `1' is no MAC address (such as 00:16:3e:01:02:03)");
    says_more("vif = ['mac=01:16:3e:01:02:03']", true,
              "8: 01:16:3e:01:02:03 is a group address: a card's own has an "
              "even first byte");
    says_more("vif = ['bridge']", true,
              "8: expected key=value, found `bridge'");
    says_more("vif = ['rate=fast']", true,
              "8: `fast' is no rate (such as 10Mb/s or 1MB/s@20ms)");
    says_more("vif = ['speed=1']", false,
              "8: `speed' is not known and ignored");
}

static struct disk_config disk(const char *text)
{
    struct disk_config d;
    char why[300], warning[300];

    if (disk_parse(&d, text, why, warning, sizeof(why)))
        fail_msg("%s: %s", text, why);
    return d;
}

static void test_disks_in_every_notation(void **state)
{
    static const struct {
        const char *text, *target, *vdev;
        enum disk_format format;
        bool read_only, cdrom;
    } cases[] = {
        {"/i,raw,xvda,rw", "/i", "xvda", DISK_RAW, false, false},
        {"/dev/vg/v,,hda", "/dev/vg/v", "hda", DISK_RAW, false, false},
        {"/i,,hdc,cdrom", "/i", "hdc", DISK_RAW, true, true},
        {",,hdc,cdrom", NULL, "hdc", DISK_EMPTY, true, true},
        {"phy:/dev/sda1,xvda1,w", "/dev/sda1", "xvda1", DISK_RAW, false, false},
        {"phy:sda1,xvda1,r", "/dev/sda1", "xvda1", DISK_RAW, true, false},
        {"file:/i,hdc:cdrom,r", "/i", "hdc", DISK_RAW, true, true},
        {"tap:qcow2:/i,xvda,w", "/i", "xvda", DISK_QCOW2, false, false},
        {"vdev=xvda, format=vhd , target=/a b", "/a b", "xvda", DISK_VHD, false,
         false},
        {"devtype=cdrom,vdev=hdd", NULL, "hdd", DISK_EMPTY, true, true},
        {"/i, qcow2, xvda, r", "/i", "xvda", DISK_QCOW2, true, false},
        {"/i=x,raw,xvda", "/i=x", "xvda", DISK_RAW, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct disk_config d = disk(cases[i].text);

        if (cases[i].target)
            assert_string_equal(d.target, cases[i].target);
        else
            assert_null(d.target);
        assert_string_equal(d.vdev, cases[i].vdev);
        assert_int_equal(d.format, cases[i].format);
        assert_int_equal(d.read_only, cases[i].read_only);
        assert_int_equal(d.cdrom, cases[i].cdrom);
        disk_free(&d);
    }
}

static void test_disk_ids(void **state)
{
    static const struct {
        const char *vdev;
        int rc;
        uint32_t id;
    } cases[] = {
        {"xvda", 0, 51712},
        {"xvda1", 0, 51713},
        {"xvdp15", 0, 51712 + 255},
        {"xvdq", 0, 1u << 28 | 16 << 8},
        {"xvda16", 0, 1u << 28 | 16},
        {"xvdaa", 0, 1u << 28 | 26 << 8},
        {"hda", 0, 768},
        {"hdb1", 0, 768 + 65},
        {"hdc", 0, 22 << 8},
        {"sda", 0, 2048},
        {"sdp15", 0, 2048 + 255},
        {"d0", 0, 51712},
        {"d2p3", 0, 51712 + 35},
        {"51712", 0, 51712},
        {"hde", -EINVAL, 0},
        {"sdq", -EINVAL, 0},
        {"xvd", -EINVAL, 0},
        {"xvda1x", -EINVAL, 0},
        {"vda", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"xvdzzzzzzzz", -EINVAL, 0},
        {"99999999999", -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint32_t id = 0;

        assert_int_equal(disk_vdev_id(cases[i].vdev, &id), cases[i].rc);
        assert_int_equal(id, cases[i].id);
    }
}

static void test_rates(void **state)
{
    struct nic_config n = {0};
    char why[300], warning[300];

    (void)state;
    assert_int_equal(nic_parse(&n, "vlan=12,isolated=1,antispoof=1", why,
                               warning, sizeof(why)),
                     0);
    assert_int_equal(n.vlan, 12);
    assert_true(n.isolated && n.antispoof);
    nic_free(&n);
    assert_int_equal(nic_parse(&n, "vlan=4095", why, warning, sizeof(why)),
                     -EINVAL);
    assert_int_equal(nic_parse(&n, "isolated=2", why, warning, sizeof(why)),
                     -EINVAL);
    assert_int_equal(nic_parse(&n, "rate=8Mb/s", why, warning, sizeof(why)), 0);
    assert_int_equal(n.rate_bytes, 50000);
    assert_int_equal(n.rate_interval_us, 50000);
    nic_free(&n);
    assert_int_equal(
        nic_parse(&n, "rate=1GB/s@20ms", why, warning, sizeof(why)), 0);
    assert_int_equal(n.rate_bytes, 20000000);
    assert_int_equal(n.rate_interval_us, 20000);
    nic_free(&n);
}

static void test_files_that_cannot_be_read(void **state)
{
    struct report r;
    struct domconfig *c;

    (void)state;
    report_init(&r, "/nowhere.cfg");
    assert_int_equal(domconfig_load("/nowhere.cfg", NULL, &r, &c), -ENOENT);
    assert_string_equal(r.lines[0].text,
                        "/nowhere.cfg: cannot be read: No such file or "
                        "directory");
    report_free(&r);
    report_init(&r, "/tmp");
    assert_int_equal(domconfig_load("/tmp", NULL, &r, &c), -EISDIR);
    report_free(&r);
}

static void test_uuids(void **state)
{
    uint8_t uuid[16];
    char text[37];

    (void)state;
    assert_int_equal(
        domconfig_uuid_parse("0123456789abcdef0123456789ABCDEF", uuid), 0);
    domconfig_uuid_print(uuid, text);
    assert_string_equal(text, "01234567-89ab-cdef-0123-456789abcdef");
    assert_int_equal(domconfig_uuid_parse("0123", uuid), -EINVAL);
    assert_int_equal(domconfig_uuid_parse("", uuid), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything_a_pv_guest_uses),
        cmocka_unit_test(test_addresses_stay_with_the_uuid),
        cmocka_unit_test(test_later_lines_win_and_append),
        cmocka_unit_test(test_syntax_errors_say_where_and_what),
        cmocka_unit_test(test_all_broken_lines_are_reported),
        cmocka_unit_test(test_unknown_and_unsupported_keys_are_named),
        cmocka_unit_test(test_values_are_checked),
        cmocka_unit_test(test_devices_are_checked),
        cmocka_unit_test(test_disks_in_every_notation),
        cmocka_unit_test(test_disk_ids),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_uuids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
