#include "tests/unit/dom0/life-world.h"

#include "dom0/daemon/create.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/intent.h"
#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/netsetup.h"
#include "dom0/daemon/storage.h"
#include "dom0/debug/dump.h"
#include "dom0/libs/hypercall/hypercall-fake.h"
#include "tests/unit/dom0/fake-backends.h"
#include "tests/unit/dom0/kernels.h"
#include "tests/unit/xs-fake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* --- the edges -------------------------------------------------------------*/

unsigned life_backends;

int helpers_start_block(struct daemon *d, uint32_t domid, struct fault *f)
{
    (void)d, (void)f;
    life_backends |= 1u << domid;
    return 0;
}

void helpers_stop_block(struct daemon *d, uint32_t domid)
{
    (void)d;
    life_backends &= ~(1u << domid);
}

bool storage_wanted(const struct guest_disk *disk)
{
    (void)disk;
    return false;
}

int storage_begin(struct daemon *d, struct guest *g, uint32_t domid,
                  struct fault *f)
{
    (void)d, (void)g, (void)domid, (void)f;
    return 0;
}

int storage_wait(struct daemon *d, const struct guest *g, uint32_t domid,
                 struct fault *f)
{
    (void)d, (void)g, (void)domid, (void)f;
    return 0;
}

void storage_reclaim(struct daemon *d, struct guest *g)
{
    (void)d, (void)g;
}

void storage_stop(struct daemon *d, uint32_t domid)
{
    (void)d, (void)domid;
}

void storage_stop_disk(struct daemon *d, uint32_t domid, uint32_t devid)
{
    (void)d, (void)domid, (void)devid;
}

bool life_have_bridge = true;

int netsetup_check_bridge(const char *name, struct fault *f)
{
    return life_have_bridge ? 0
                            : fault_set(f, -ENODEV, FAULT_DEVICE,
                                        "there is no bridge \"%s\"", name);
}

int life_dump_rc;

int target_open(struct target **t, uint32_t domid)
{
    *t = NULL;
    return hv_fake_domain(domid) ? 0 : -ESRCH;
}

void target_close(struct target *t)
{
    assert_null(t);
}

int target_memory(struct target *t, uint64_t *size)
{
    (void)t;
    *size = 4096;
    return 0;
}

int dump_to_file(struct target *t, const char *path, uint64_t *nr_pages)
{
    FILE *f = life_dump_rc ? NULL : fopen(path, "w");

    (void)t;
    *nr_pages = 1;
    if (f)
        fclose(f);
    return life_dump_rc;
}

const char *dump_problem(int rc)
{
    return strerror(-rc);
}

/* --- the world -------------------------------------------------------------*/

static void write_file(struct world *w, const char *name, const void *data,
                       size_t size)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

/* What a new pvnd has: nothing but the files. */
void life_come_up(struct world *w)
{
    char path[128];

    memset(&w->d, 0, sizeof(w->d));
    snprintf(w->dumps, sizeof(w->dumps), "%s/dumps", w->dir);
    w->d.o = (struct options){.run_dir = w->dir,
                              .cache_dir = "",
                              .dumps_dir = w->dumps,
                              .dumps_kept = 3,
                              .default_bridge = "xenbr0",
                              .device_timeout_s = 1};
    pthread_mutex_init(&w->d.lock, NULL);
    assert_int_equal(kits_create(&w->d.kits), 0);
    assert_int_equal(
        registry_create(&w->d.registry,
                        daemon_path(&w->d, "domains", path, sizeof(path))),
        0);
}

void life_go_down(struct world *w)
{
    registry_destroy(w->d.registry);
    kits_destroy(w->d.kits);
}

static void backends_work(void)
{
    fake_backends_run(NULL);
}

void life_backends_fail(void)
{
    fake_backends_run("it is broken");
}

int life_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    static const char zeros[4096];
    char path[128];
    uint8_t *kernel;
    size_t size;

    hv_fake_reset(0);
    xs_fake_reset();
    xs_fake_after = backends_work;
    life_backends = 0;
    life_have_bridge = true;
    life_dump_rc = 0;
    strcpy(w->dir, "/tmp/pv-life-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    mkdir(daemon_path(&(struct daemon){.o.run_dir = w->dir}, "ops", path,
                      sizeof(path)),
          0700);
    kernel = test_kernel_make(&test_kernel_linux, &size);
    write_file(w, "kernel", kernel, size);
    free(kernel);
    write_file(w, "disk", zeros, sizeof(zeros));
    life_come_up(w);
    w->free_pages = hv_fake_free_pages();
    *state = w;
    return 0;
}

int life_teardown(void **state)
{
    struct world *w = *state;
    char command[128];

    life_go_down(w);
    hv_fake_end();
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

unsigned life_files(struct world *w, const char *sub)
{
    char command[128];
    unsigned n;
    FILE *f;

    snprintf(command, sizeof(command), "ls %s/%s | wc -l", w->dir, sub);
    f = popen(command, "r");
    assert_int_equal(fscanf(f, "%u", &n), 1);
    pclose(f);
    return n;
}

/* No domain, page, node, backend, record. */
bool life_nothing_left(struct world *w)
{
    return !hv_fake_nr_domains() && hv_fake_free_pages() == w->free_pages &&
           !hv_fake_nr_windows() && !xs_fake_count("/local/domain/1") &&
           !xs_fake_count("/local/domain/2") && !xs_fake_count("/vm") &&
           !xs_fake_count("/libxl") &&
           !xs_fake_count("/local/domain/0/backend/pvblk") &&
           !xs_fake_count("/local/domain/0/backend/pvif") &&
           !xs_fake_count("/local/domain/0/backend/console") &&
           !life_backends && !life_files(w, "ops") &&
           !life_files(w, "domains") && !registry_first(w->d.registry);
}

struct guest *life_configured(struct world *w, const char *more)
{
    char text[1000];
    struct domconfig *cfg;
    struct report report;
    struct guest *g;
    struct fault f = {0};

    snprintf(text, sizeof(text),
             "name = 'g'\nkernel = '%s/kernel'\nmemory = 32\n"
             "disk = ['%s/disk,raw,xvda,w']\nvif = ['']\n%s\n",
             w->dir, w->dir, more);
    report_init(&report, "g.cfg");
    if (domconfig_parse(text, strlen(text), NULL, &report, &cfg))
        fail_msg("%s", report_first_error(&report));
    report_free(&report);
    g = guest_new(cfg, text, "g.cfg");
    assert_int_equal(guest_take_devices(g, "xenbr0", &f), 0);
    return g;
}

/* As the method does it. */
int life_create(struct world *w, struct guest *g, struct fault *f)
{
    struct kit *k;
    int rc;

    *f = (struct fault){0};
    rc = registry_add(w->d.registry, g, "test", f);
    if (rc) {
        guest_free(g);
        return rc;
    }
    k = kit_get(w->d.kits, f);
    rc = create_claim(&w->d, g, f);
    if (!rc)
        rc = intent_begin(&w->d, g, INTENT_CREATE);
    if (!rc)
        rc = create_start(&w->d, k, g, false, NULL, f);
    if (rc)
        registry_drop(w->d.registry, g);
    intent_end(&w->d, g);
    registry_end(w->d.registry, g);
    kit_put(w->d.kits, k);
    registry_put(w->d.registry, g);
    return rc;
}

int life_destroy(struct world *w)
{
    struct fault f = {0};
    struct guest *g = registry_find(w->d.registry, "g", &f);
    struct kit *k = kit_get(w->d.kits, &f);
    int rc = lifecycle_destroy(&w->d, k, g, true, &f);

    kit_put(w->d.kits, k);
    registry_put(w->d.registry, g);
    return rc;
}
