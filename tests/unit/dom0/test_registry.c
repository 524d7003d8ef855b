/*
 * Guests are found by name, number and uuid; one operation at a time; a disk
 * that one guest writes is no other's; what is saved comes back as it was.
 *
 * sources: dom0/daemon/registry.c dom0/daemon/guest.c dom0/daemon/record.c
 * sources: dom0/daemon/diskclaim.c dom0/daemon/acl.c dom0/daemon/fault.c
 * sources: dom0/daemon/log.c dom0/config/lex.c dom0/config/parse.c
 * sources: dom0/config/value.c dom0/config/domconfig.c dom0/config/read.c
 * sources: dom0/config/names.c dom0/config/keys.c dom0/config/disk.c
 * sources: dom0/config/nic.c dom0/config/cpuset.c dom0/config/report.c
 * libs: -ljansson
 */
#include "dom0/daemon/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct world {
    struct registry *r;
    char dir[64], disk[96];
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    int fd;

    strcpy(w->dir, "/tmp/pv-registry-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->disk, sizeof(w->disk), "%s.img", w->dir);
    fd = open(w->disk, O_CREAT | O_RDWR, 0600);
    assert_int_equal(ftruncate(fd, 4096), 0);
    close(fd);
    assert_int_equal(registry_create(&w->r, w->dir), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    registry_destroy(w->r);
    unlink(w->disk);
    assert_int_equal(rmdir(w->dir), 0); /* every record is gone */
    free(w);
    return 0;
}

/* A guest whose only disk is the world's, opened as `mode` says. */
static struct guest *make(struct world *w, const char *name, const char *mode)
{
    char text[600];
    struct domconfig *cfg;
    struct report report;
    struct guest *g;
    struct fault f = {0};

    snprintf(text, sizeof(text),
             "name=\"%s\"\ntype=\"pv\"\nkernel=\"/k\"\nmemory=64\n"
             "disk=[\"%s,raw,xvda,%s\"]\nvif=[\"bridge=br7\",\"\"]\n",
             name, w->disk, mode);
    report_init(&report, "t");
    assert_int_equal(domconfig_parse(text, strlen(text), NULL, &report, &cfg),
                     0);
    report_free(&report);
    g = guest_new(cfg, text, "t.cfg");
    assert_non_null(g);
    assert_int_equal(guest_take_devices(g, "xenbr0", &f), 0);
    return g;
}

static struct guest *add(struct world *w, const char *name, const char *mode,
                         uint32_t domid)
{
    struct guest *g = make(w, name, mode);

    assert_int_equal(registry_add(w->r, g, "test", NULL), 0);
    registry_set_state(w->r, g, GUEST_RUNNING, domid);
    registry_end(w->r, g);
    return g;
}

static void drop(struct world *w, struct guest *g)
{
    registry_drop(w->r, g);
    registry_put(w->r, g);
}

static void test_guest_has_what_its_configuration_says(void **state)
{
    struct world *w = *state;
    struct guest *g = make(w, "a", "w");

    assert_int_equal(g->nr_disks, 1);
    assert_string_equal(g->disks[0].path, w->disk);
    assert_true(g->disks[0].writable);
    assert_int_equal(g->disks[0].devid, 51712);
    assert_int_equal(g->nr_nics, 2);
    assert_string_equal(g->nics[0].bridge, "br7");
    assert_string_equal(g->nics[1].bridge, "xenbr0");
    assert_memory_not_equal(g->nics[0].mac, g->nics[1].mac, 6);
    assert_int_equal(guest_free_nic_id(g), 2);
    guest_remove_nic(g, 0);
    assert_int_equal(guest_free_nic_id(g), 0);
    guest_free(g);
}

static void test_guests_are_found_by_name_number_and_uuid(void **state)
{
    struct world *w = *state;
    struct guest *g = add(w, "a", "r", 17), *found;
    struct fault f = {0};
    char uuid[37];

    domconfig_uuid_print(g->uuid, uuid);
    found = registry_find(w->r, "a", &f);
    assert_ptr_equal(found, g);
    registry_put(w->r, found);
    found = registry_find(w->r, "17", &f);
    assert_ptr_equal(found, g);
    registry_put(w->r, found);
    found = registry_find(w->r, uuid, &f);
    assert_ptr_equal(found, g);
    registry_put(w->r, found);
    assert_null(registry_find(w->r, "1", &f));
    assert_string_equal(f.code, FAULT_ABSENT);
    drop(w, g);
    assert_null(registry_find(w->r, "a", &f));
}

static void test_second_guest_of_a_name_is_refused(void **state)
{
    struct world *w = *state;
    struct guest *g = add(w, "a", "r", 1), *other = make(w, "a", "r");
    struct fault f = {0};

    assert_int_equal(registry_add(w->r, other, "x", &f), -EEXIST);
    assert_string_equal(f.code, FAULT_EXISTS);
    guest_free(other);
    drop(w, g);
}

static void test_one_operation_at_a_time(void **state)
{
    struct world *w = *state;
    struct guest *g = add(w, "a", "r", 1);
    struct fault f = {0};

    assert_int_equal(registry_begin(w->r, g, "it is being washed", &f), 0);
    assert_int_equal(registry_begin(w->r, g, "other", &f), -EBUSY);
    assert_non_null(strstr(f.text, "it is being washed"));
    registry_end(w->r, g);
    assert_int_equal(registry_begin(w->r, g, "other", &f), 0);
    registry_end(w->r, g);
    drop(w, g);
}

static int conflict(struct world *w, struct guest *g)
{
    struct fault f = {0};
    int rc;

    registry_lock(w->r);
    rc = registry_check_disk_locked(w->r, g, &g->disks[0], &f);
    registry_unlock(w->r);
    return rc;
}

/* fd -1 means not claimed; any other stands for a lock held. */
static void pretend_claim(struct guest *g, ino_t ino)
{
    g->disks[0].claim = (struct disk_claim){.fd = dup(0), .dev = 1, .ino = ino};
}

static void test_written_disk_is_nobody_elses(void **state)
{
    struct world *w = *state;
    struct guest *a = add(w, "a", "w", 1), *b = add(w, "b", "r", 2),
                 *c = add(w, "c", "r", 3);

    pretend_claim(a, 5);
    pretend_claim(b, 6);
    pretend_claim(c, 6);
    assert_int_equal(conflict(w, a), 0);
    assert_int_equal(conflict(w, b), 0); /* both only read it */
    drop(w, c);
    disk_release(&b->disks[0].claim);
    pretend_claim(b, 5);
    assert_int_equal(conflict(w, b), -EBUSY);
    assert_int_equal(conflict(w, a), -EBUSY);
    drop(w, a);
    assert_int_equal(conflict(w, b), 0); /* its claim went with it */
    drop(w, b);
}

static void test_saved_guests_come_back(void **state)
{
    struct world *w = *state;
    struct guest *g = add(w, "a", "w", 9), *back;
    uint8_t uuid[16], mac[6];

    g->started = 1234;
    g->disks[0].bytes = (struct disk_limit){1 << 20, 4096};
    g->disks[0].requests = (struct disk_limit){100, 0};
    memcpy(uuid, g->uuid, 16);
    memcpy(mac, g->nics[1].mac, 6);
    assert_int_equal(registry_save(w->r, g), 0);
    registry_put(w->r, g);
    registry_destroy(w->r);
    assert_int_equal(registry_create(&w->r, w->dir), 0);
    registry_load(w->r);

    back = registry_find(w->r, "a", NULL);
    assert_non_null(back);
    assert_int_equal(back->domid, 9);
    assert_int_equal(back->state, GUEST_RUNNING);
    assert_int_equal(back->started, 1234);
    assert_memory_equal(back->uuid, uuid, 16);
    assert_int_equal(back->cfg->memory_kib, 64 * 1024);
    assert_int_equal(back->nr_disks, 1);
    assert_string_equal(back->disks[0].path, w->disk);
    assert_int_equal(back->disks[0].claim.fd, -1);
    assert_int_equal(back->disks[0].bytes.per_second, 1 << 20);
    assert_int_equal(back->disks[0].bytes.burst, 4096);
    assert_int_equal(back->disks[0].requests.per_second, 100);
    assert_int_equal(back->disks[0].requests.burst, 0);
    assert_memory_equal(back->nics[1].mac, mac, 6);
    assert_null(back->busy);
    drop(w, back);
}

static void test_damaged_records_are_left_out(void **state)
{
    static const char *const texts[] = {"", "{", "[]", "{\"name\":\"x\"}"};
    struct world *w = *state;
    char path[128];
    size_t i;
    FILE *f;

    for (i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/x.json", w->dir);
        f = fopen(path, "w");
        fputs(texts[i], f);
        fclose(f);
        registry_load(w->r);
        assert_null(registry_first(w->r));
        unlink(path);
    }
    /* Half a write of somebody who was killed. */
    snprintf(path, sizeof(path), "%s/x.json.new", w->dir);
    f = fopen(path, "w");
    fclose(f);
    registry_load(w->r);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_waiting_ends_with_a_change_or_in_time(void **state)
{
    struct world *w = *state;
    uint64_t epoch = 0;

    registry_lock(w->r);
    assert_int_equal(registry_wait_locked(w->r, &epoch, 0), 0);
    assert_int_equal(registry_wait_locked(w->r, &epoch, 1), -ETIMEDOUT);
    registry_unlock(w->r);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_guest_has_what_its_configuration_says),
        TEST(test_guests_are_found_by_name_number_and_uuid),
        TEST(test_second_guest_of_a_name_is_refused),
        TEST(test_one_operation_at_a_time),
        TEST(test_written_disk_is_nobody_elses),
        TEST(test_saved_guests_come_back),
        TEST(test_damaged_records_are_left_out),
        TEST(test_waiting_ends_with_a_change_or_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
