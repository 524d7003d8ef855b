/*
 * A guest's whole life over a fake hypervisor and a fake store: made,
 * restarted, destroyed; whatever fails on the way, and wherever pvnd is killed,
 * nothing is left that should not be.
 *
 * sources: dom0/daemon/room.c dom0/daemon/create.c
 * sources: dom0/daemon/teardown.c dom0/daemon/lifecycle.c
 * sources: dom0/daemon/recover.c dom0/daemon/devices.c dom0/daemon/store.c
 * sources: dom0/daemon/device-wait.c
 * sources: dom0/daemon/intent.c dom0/daemon/kit.c dom0/daemon/work.c
 * sources: dom0/daemon/loop.c dom0/daemon/log.c dom0/daemon/fault.c
 * sources: dom0/daemon/networks.c dom0/daemon/registry.c dom0/daemon/guest.c
 * sources: dom0/daemon/record.c dom0/daemon/diskclaim.c
 * sources: dom0/builder/builder.c dom0/builder/error.c dom0/builder/image.c
 * sources: dom0/builder/image-file.c dom0/builder/image-kept.c
 * sources: dom0/builder/ramdisk.c
 * sources: dom0/builder/bzimage.c dom0/builder/unpack.c dom0/builder/cache.c
 * sources: dom0/builder/elf.c dom0/builder/layout.c
 * sources: dom0/builder/pv.c dom0/builder/pagetable.c dom0/builder/policy.c
 * sources: dom0/builder/nodes.c dom0/config/lex.c dom0/config/parse.c
 * sources: dom0/config/value.c dom0/config/domconfig.c dom0/config/keys.c
 * sources: dom0/config/disk.c dom0/config/nic.c dom0/config/cpuset.c
 * sources: dom0/config/read.c dom0/config/names.c dom0/builder/pv-memory.c
 * sources: dom0/builder/pv-kernel.c dom0/builder/window.c
 * sources: dom0/config/report.c $(libs-hypercall-fake-src)
 * sources: dom0/libs/foreignmem/foreignmem-fake.c tests/unit/dom0/kernels.c
 * sources: tests/unit/xs-fake.c tests/unit/dom0/fake-backends.c
 * libs: -levent -ljansson -lz -llzma -lzstd -llz4 -lbz2 -llzo2 -lmd -lpthread
 */
#include "dom0/daemon/create.h"
#include "dom0/daemon/devices.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/intent.h"
#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/netsetup.h"
#include "dom0/daemon/recover.h"
#include "dom0/daemon/teardown.h"
#include "dom0/libs/hypercall/hypercall-fake.h"
#include "tests/unit/dom0/fake-backends.h"
#include "tests/unit/dom0/kernels.h"
#include "tests/unit/xs-fake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the edges -------------------------------------------------------------*/

static unsigned backends; /* bit n: the block backend of domain n runs */

int helpers_start_block(struct daemon *d, uint32_t domid, struct fault *f)
{
    (void)d, (void)f;
    backends |= 1u << domid;
    return 0;
}

void helpers_stop_block(struct daemon *d, uint32_t domid)
{
    (void)d;
    backends &= ~(1u << domid);
}

static bool have_bridge = true;

int netsetup_check_bridge(const char *name, struct fault *f)
{
    return have_bridge ? 0
                       : fault_set(f, -ENODEV, FAULT_DEVICE,
                                   "there is no bridge \"%s\"", name);
}

/* --- the world -------------------------------------------------------------*/

struct world {
    struct daemon d;
    char dir[64];
    uint64_t free_pages;
};

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
static void come_up(struct world *w)
{
    char path[128];

    memset(&w->d, 0, sizeof(w->d));
    w->d.o = (struct options){.run_dir = w->dir,
                              .cache_dir = "",
                              .default_bridge = "xenbr0",
                              .device_timeout_s = 1};
    pthread_mutex_init(&w->d.lock, NULL);
    assert_int_equal(kits_create(&w->d.kits), 0);
    assert_int_equal(
        registry_create(&w->d.registry,
                        daemon_path(&w->d, "domains", path, sizeof(path))),
        0);
}

static void go_down(struct world *w)
{
    registry_destroy(w->d.registry);
    kits_destroy(w->d.kits);
}

static void backends_work(void)
{
    fake_backends_run(NULL);
}

static void backends_fail(void)
{
    fake_backends_run("it is broken");
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    static const char zeros[4096];
    char path[128];
    uint8_t *kernel;
    size_t size;

    hv_fake_reset(0);
    xs_fake_reset();
    xs_fake_after = backends_work;
    backends = 0;
    have_bridge = true;
    strcpy(w->dir, "/tmp/pv-life-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    mkdir(daemon_path(&(struct daemon){.o.run_dir = w->dir}, "ops", path,
                      sizeof(path)),
          0700);
    kernel = test_kernel_make(&test_kernel_linux, &size);
    write_file(w, "kernel", kernel, size);
    free(kernel);
    write_file(w, "disk", zeros, sizeof(zeros));
    come_up(w);
    w->free_pages = hv_fake_free_pages();
    *state = w;
    return 0;
}

static int teardown_world(void **state)
{
    struct world *w = *state;
    char command[128];

    go_down(w);
    hv_fake_end();
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static unsigned files(struct world *w, const char *sub)
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
static bool nothing_left(struct world *w)
{
    return !hv_fake_nr_domains() && hv_fake_free_pages() == w->free_pages &&
           !hv_fake_nr_windows() && !xs_fake_count("/local/domain/1") &&
           !xs_fake_count("/local/domain/2") && !xs_fake_count("/vm") &&
           !xs_fake_count("/libxl") &&
           !xs_fake_count("/local/domain/0/backend/pvblk") &&
           !xs_fake_count("/local/domain/0/backend/pvif") &&
           !xs_fake_count("/local/domain/0/backend/console") && !backends &&
           !files(w, "ops") && !files(w, "domains") &&
           !registry_first(w->d.registry);
}

static struct guest *configured(struct world *w, const char *more)
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
static int create(struct world *w, struct guest *g, struct fault *f)
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

static int destroy(struct world *w)
{
    struct fault f = {0};
    struct guest *g = registry_find(w->d.registry, "g", &f);
    struct kit *k = kit_get(w->d.kits, &f);
    int rc = lifecycle_destroy(&w->d, k, g, true, &f);

    kit_put(w->d.kits, k);
    registry_put(w->d.registry, g);
    return rc;
}

/* --- a quiet life ----------------------------------------------------------*/

static void test_guest_runs_with_its_devices(void **state)
{
    struct world *w = *state;
    struct fault f;
    struct guest *g;

    assert_int_equal(create(w, configured(w, ""), &f), 0);
    assert_int_equal(hv_fake_nr_domains(), 1);
    assert_false(hv_fake_domain(1)->paused);
    assert_int_equal(xs_fake_introduced, 1);
    assert_int_equal(backends, 1u << 1);
    assert_string_equal(xs_fake_get("/local/domain/1/name"), "g");
    assert_string_equal(xs_fake_get("/local/domain/1/device/vbd/51712/"
                                    "backend"),
                        "/local/domain/0/backend/pvblk/1/51712");
    assert_string_equal(
        xs_fake_get("/local/domain/0/backend/pvblk/1/51712/mode"), "w");
    assert_string_equal(xs_fake_get("/local/domain/0/backend/pvif/1/0/bridge"),
                        "xenbr0");
    assert_string_equal(
        xs_fake_get("/local/domain/0/backend/pvif/1/0/frontend"),
        "/local/domain/1/device/vif/0");
    g = registry_find(w->d.registry, "g", &f);
    assert_int_equal(g->state, GUEST_RUNNING);
    assert_int_equal(g->domid, 1);
    registry_put(w->d.registry, g);
    assert_int_equal(files(w, "domains"), 1);
    assert_int_equal(files(w, "ops"), 0);

    assert_int_equal(destroy(w), 0);
    assert_true(nothing_left(w));
}

static void test_restart_is_a_new_domain_of_the_same_guest(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct guest *g;
    struct kit *k;
    uint8_t mac[6];

    assert_int_equal(create(w, configured(w, ""), &f), 0);
    g = registry_find(w->d.registry, "g", &f);
    memcpy(mac, g->nics[0].mac, 6);
    k = kit_get(w->d.kits, &f);
    assert_int_equal(lifecycle_restart(&w->d, k, g, &f), 0);
    kit_put(w->d.kits, k);
    assert_int_equal(g->domid, 2);
    assert_memory_equal(g->nics[0].mac, mac, 6);
    assert_int_equal(hv_fake_nr_domains(), 1);
    assert_int_equal(xs_fake_count("/local/domain/1"), 0);
    assert_int_equal(backends, 1u << 2);
    registry_put(w->d.registry, g);
    assert_int_equal(destroy(w), 0);
    assert_true(nothing_left(w));
}

static void test_what_follows_an_end_is_the_configurations(void **state)
{
    struct world *w = *state;
    struct guest *g = configured(w, "on_poweroff='preserve'\n"
                                    "on_crash='restart'\non_reboot='destroy'");

    assert_int_equal(lifecycle_action(g->cfg, SHUTDOWN_poweroff),
                     ACTION_PRESERVE);
    assert_int_equal(lifecycle_action(g->cfg, SHUTDOWN_reboot), ACTION_DESTROY);
    assert_int_equal(lifecycle_action(g->cfg, SHUTDOWN_crash), ACTION_RESTART);
    assert_int_equal(lifecycle_action(g->cfg, 77), ACTION_RESTART);
    guest_free(g);
}

static void looking_begins(struct world *w)
{
    assert_int_equal(loop_create(&w->d.loop), 0);
    assert_int_equal(lifecycle_start(&w->d), 0);
}

static void looking_ends(struct world *w)
{
    unsigned left = 1;

    while (left) {
        usleep(1000);
        pthread_mutex_lock(&w->d.lock);
        left = w->d.nr_workers;
        pthread_mutex_unlock(&w->d.lock);
    }
    lifecycle_stop(&w->d);
    loop_destroy(w->d.loop);
    w->d.loop = NULL;
}

/* Look after the guests once; what follows is over when we return. */
static void look_after(struct world *w)
{
    looking_begins(w);
    event_base_loop(loop_base(w->d.loop), EVLOOP_ONCE);
    looking_ends(w);
}

/* The guest's domain ends by itself. */
static void end_with(struct world *w, uint32_t domid, unsigned reason)
{
    hv_fake_domain(domid)->shut_down = true;
    hv_fake_domain(domid)->shutdown_code = reason;
    look_after(w);
}

static void test_powered_off_guest_is_destroyed(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_int_equal(create(w, configured(w, ""), &f), 0);
    end_with(w, 1, SHUTDOWN_poweroff);
    assert_true(nothing_left(w));
}

static void test_rebooted_guest_starts_again(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_int_equal(create(w, configured(w, ""), &f), 0);
    end_with(w, 1, SHUTDOWN_reboot);
    assert_int_equal(hv_fake_nr_domains(), 1);
    assert_false(hv_fake_domain(2)->paused);
    assert_int_equal(destroy(w), 0);
    assert_true(nothing_left(w));
}

static void test_preserved_guest_stays_as_it_ended(void **state)
{
    struct world *w = *state;
    struct fault f;
    struct guest *g;

    assert_int_equal(create(w, configured(w, "on_crash='preserve'"), &f), 0);
    end_with(w, 1, SHUTDOWN_crash);
    g = registry_find(w->d.registry, "g", &f);
    assert_int_equal(g->state, GUEST_PRESERVED);
    assert_int_equal(g->domid, 1);
    registry_put(w->d.registry, g);
    assert_int_equal(destroy(w), 0);
    assert_true(nothing_left(w));
}

static void test_renamed_guest_steps_aside_for_a_new_one(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct guest *old, *new;
    struct kit *k;

    assert_int_equal(create(w, configured(w, "on_crash='rename-restart'"), &f),
                     0);
    end_with(w, 1, SHUTDOWN_crash);
    assert_int_equal(hv_fake_nr_domains(), 2);
    old = registry_find(w->d.registry, "g-1", &f);
    assert_non_null(old);
    assert_int_equal(old->state, GUEST_PRESERVED);
    assert_int_equal(old->nr_disks, 0);
    assert_string_equal(xs_fake_get("/local/domain/1/name"), "g-1");
    new = registry_find(w->d.registry, "g", &f);
    assert_non_null(new);
    assert_int_equal(new->domid, 2);
    assert_int_equal(new->nr_disks, 1);
    assert_int_equal(backends, 1u << 2);
    registry_put(w->d.registry, new);
    look_after(w); /* it ended once: nothing more follows */
    assert_string_equal(old->name, "g-1");
    assert_int_equal(hv_fake_nr_domains(), 2);
    assert_int_equal(destroy(w), 0);
    k = kit_get(w->d.kits, &f);
    assert_int_equal(lifecycle_destroy(&w->d, k, old, true, &f), 0);
    kit_put(w->d.kits, k);
    registry_put(w->d.registry, old);
    assert_true(nothing_left(w));
}

static void test_guest_that_ends_at_once_is_not_started_for_ever(void **state)
{
    struct world *w = *state;
    struct fault f;
    const struct guest *g;
    unsigned ends = 0;

    assert_int_equal(create(w, configured(w, "on_crash='restart'"), &f), 0);
    g = registry_first(w->d.registry);
    for (; ends < 10 && g->state == GUEST_RUNNING; ends++)
        end_with(w, g->domid, SHUTDOWN_crash);
    assert_int_equal(ends, 6);
    assert_int_equal(g->state, GUEST_PRESERVED);
    assert_int_equal(destroy(w), 0);
    assert_true(nothing_left(w));
}

/* Ended before its start was over, when nobody could look at it: it is noticed
 * right after, not when the timer looks the next time. */
static void test_end_during_the_start_is_noticed_at_once(void **state)
{
    struct world *w = *state;
    struct fault f;
    const struct guest *g;
    time_t began = time(NULL);

    hv_fake_set_crashing(true);
    assert_int_equal(create(w, configured(w, "on_crash='restart'"), &f), 0);
    g = registry_first(w->d.registry);
    looking_begins(w);
    while (g->state != GUEST_PRESERVED && time(NULL) < began + 5)
        event_base_loop(loop_base(w->d.loop), EVLOOP_NONBLOCK);
    looking_ends(w);
    assert_int_equal(g->state, GUEST_PRESERVED);
    assert_int_equal(g->domid, 6);
    assert_int_equal(destroy(w), 0);
    assert_true(nothing_left(w));
}

static void test_guest_destroyed_by_others_is_cleaned_up(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_int_equal(create(w, configured(w, ""), &f), 0);
    hv_fake_domain(1)->dying = true;
    end_with(w, 1, SHUTDOWN_crash);
    assert_null(registry_first(w->d.registry));
    assert_int_equal(xs_fake_count("/local/domain/1"), 0);
}

/* --- refusals and failures -------------------------------------------------*/

static void test_missing_bridge_is_refused(void **state)
{
    struct world *w = *state;
    struct fault f;

    have_bridge = false;
    assert_int_equal(create(w, configured(w, ""), &f), -ENODEV);
    assert_non_null(strstr(f.text, "xenbr0"));
    assert_true(nothing_left(w));
}

static void test_too_little_memory_is_refused(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_true(create(w, configured(w, "memory=900000"), &f) < 0);
    assert_string_equal(f.code, FAULT_MEMORY);
    assert_true(nothing_left(w));
}

static void test_missing_kernel_is_refused(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_true(create(w, configured(w, "kernel='/none'"), &f) < 0);
    assert_non_null(strstr(f.text, "/none"));
    assert_true(nothing_left(w));
}

static void test_backends_own_words_reach_the_user(void **state)
{
    struct world *w = *state;
    struct fault f;

    xs_fake_after = backends_fail;
    assert_true(create(w, configured(w, ""), &f) < 0);
    assert_non_null(strstr(f.text, "it is broken"));
    assert_true(nothing_left(w));
}

static void test_silent_backend_is_given_up(void **state)
{
    struct world *w = *state;
    struct fault f;

    xs_fake_after = NULL;
    assert_int_equal(create(w, configured(w, ""), &f), -ETIMEDOUT);
    assert_string_equal(f.code, FAULT_TIMEOUT);
    assert_true(nothing_left(w));
}

static void test_any_failing_call_leaves_nothing(void **state)
{
    static const char *const calls[] = {
        "hv_domain_create",
        "hv_domain_set_max_vcpus",
        "hv_domain_set_max_mem",
        "hv_memory_populate",
        "hv_mmuext_pin",
        "hv_vcpu_set_context",
        "hv_domain_alloc_port",
        "hv_domain_unpause",
        "fmem_map",
    };
    struct world *w = *state;
    struct fault f;
    size_t i;

    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        hv_fake_fail(calls[i], 0, -EIO);
        if (!create(w, configured(w, ""), &f))
            fail_msg("%s failed, and the guest was created", calls[i]);
        if (!nothing_left(w))
            fail_msg("something is left after %s failed: %s", calls[i], f.text);
        hv_fake_fail(calls[i], 1000000, 0);
    }
}

/* --- killed at every step --------------------------------------------------*/

static jmp_buf killed;
static unsigned steps_left;

static void maybe_die(void)
{
    if (steps_left && --steps_left == 0)
        longjmp(killed, 1);
}

/* The rest of a test goes on in a child process: what a killed daemon leaves
 * in memory is no leak. 0: the child found everything in order. */
static int in_child(void (*run)(struct world *w), struct world *w)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        run(w);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define DONE 42 /* it ended before it was killed */

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "not so: %s\n", what);
    _exit(1);
}

static void succeed_again(struct world *w)
{
    xs_fake_step = NULL;
    xs_fake_disconnect();
    come_up(w);
    registry_load(w->d.registry);
    recover(&w->d);
}

static unsigned die_at;

/* What the kernel does when a process dies: its lock on the disk ends. */
static void drop_locks(struct world *w)
{
    char path[64], target[256], disk[128];
    ssize_t n;
    int fd;

    snprintf(disk, sizeof(disk), "%s/disk", w->dir);
    for (fd = 3; fd < 256; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = 0;
        if (!strcmp(target, disk))
            close(fd);
    }
}

static void killed_in_create(struct world *w)
{
    struct fault f;

    steps_left = die_at;
    xs_fake_step = maybe_die;
    if (!setjmp(killed)) {
        check(create(w, configured(w, ""), &f) == 0, "create works");
        _exit(DONE);
    }

    drop_locks(w);
    succeed_again(w);
    check(nothing_left(w), "nothing is left of a create that was cut off");
    check(create(w, configured(w, ""), &f) == 0, "it can be created now");
}

static void killed_in_destroy(struct world *w)
{
    struct fault f;

    check(create(w, configured(w, ""), &f) == 0, "create works");
    steps_left = die_at;
    xs_fake_step = maybe_die;
    if (!setjmp(killed)) {
        check(destroy(w) == 0, "destroy works");
        _exit(DONE);
    }
    drop_locks(w);
    succeed_again(w);
    /* Killed before it began, the guest is simply there. */
    if (registry_first(w->d.registry)) {
        check(hv_fake_nr_domains() == 1 &&
                  xs_fake_get("/local/domain/1/name") != NULL,
              "the guest is whole");
        check(destroy(w) == 0, "it can be destroyed");
    }
    check(nothing_left(w), "nothing is left of a destroy that was cut off");
}

static void killed_in_restart(struct world *w)
{
    struct fault f = {0};
    struct guest *g;
    struct kit *k;

    check(create(w, configured(w, ""), &f) == 0, "create works");
    g = registry_find(w->d.registry, "g", &f);
    k = kit_get(w->d.kits, &f);
    steps_left = die_at;
    xs_fake_step = maybe_die;
    if (!setjmp(killed)) {
        check(lifecycle_restart(&w->d, k, g, &f) == 0, "restart works");
        _exit(DONE);
    }
    drop_locks(w);
    succeed_again(w);
    check(hv_fake_nr_domains() == 1, "there is one domain");
    g = registry_find(w->d.registry, "g", &f);
    check(g && g->state == GUEST_RUNNING && g->domid, "the guest runs");
    check(!hv_fake_domain(g->domid)->paused, "it is not paused");
    check(backends == 1u << g->domid, "with its one backend");
    check(files(w, "ops") == 0, "no operation is left");
    registry_put(w->d.registry, g);
    check(destroy(w) == 0, "it can be destroyed");
    check(nothing_left(w), "nothing is left then");
}

static void kill_everywhere(struct world *w, void (*run)(struct world *w),
                            unsigned at_least)
{
    int status = 0;
    char command[256];

    for (die_at = 1; status != DONE; die_at++) {
        status = in_child(run, w);
        if (status && status != DONE)
            fail_msg("killed at step %u: status %d", die_at, status);
        snprintf(command, sizeof(command), "rm -f %s/ops/* %s/domains/*",
                 w->dir, w->dir);
        assert_int_equal(system(command), 0);
    }
    assert_true(die_at > at_least);
}

static void test_killed_anywhere_in_create_nothing_is_left(void **state)
{
    kill_everywhere(*state, killed_in_create, 60);
}

static void test_killed_anywhere_in_destroy_it_is_finished(void **state)
{
    kill_everywhere(*state, killed_in_destroy, 5);
}

static void test_killed_anywhere_in_restart_it_is_finished(void **state)
{
    kill_everywhere(*state, killed_in_restart, 60);
}

/* --- adoption --------------------------------------------------------------*/

static void test_next_pvnd_finds_its_guests(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct guest *g;

    assert_int_equal(create(w, configured(w, ""), &f), 0);
    go_down(w);
    backends = 0;
    come_up(w);
    registry_load(w->d.registry);
    recover(&w->d);
    g = registry_find(w->d.registry, "g", &f);
    assert_non_null(g);
    assert_int_equal(g->domid, 1);
    assert_true(g->disks[0].claim.fd >= 0);
    assert_int_equal(backends, 1u << 1);
    assert_int_equal(w->d.last_domid, 1);
    registry_put(w->d.registry, g);
    assert_int_equal(destroy(w), 0);
    assert_true(nothing_left(w));
}

static void test_guest_that_went_meanwhile_is_cleaned_up(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct hv *hv;

    assert_int_equal(create(w, configured(w, ""), &f), 0);
    go_down(w);
    hv_open(&hv);
    hv_domain_destroy(hv, 1);
    hv_close(hv);
    come_up(w);
    registry_load(w->d.registry);
    recover(&w->d);
    assert_true(nothing_left(w));
}

/* A domain of another guest that has our old number by now is left alone. */
static void test_number_without_the_uuid_is_a_strangers(void **state)
{
    struct xen_domctl_createdomain what = {
        .max_vcpus = 1, .grant_opts = XEN_DOMCTL_GRANT_version(1)};
    struct world *w = *state;
    struct fault f = {0};
    uint32_t domid = 1;
    struct hv *hv;

    assert_int_equal(create(w, configured(w, ""), &f), 0);
    go_down(w);
    hv_open(&hv);
    hv_domain_destroy(hv, 1);
    memset(what.handle, 7, sizeof(what.handle));
    assert_int_equal(hv_domain_create(hv, &what, &domid), 0);
    xs_fake_put("/local/domain/1/name", "stranger");
    come_up(w);
    registry_load(w->d.registry);
    recover(&w->d);
    assert_int_equal(hv_fake_nr_domains(), 1);
    assert_string_equal(xs_fake_get("/local/domain/1/name"), "stranger");
    assert_null(registry_first(w->d.registry));
    hv_domain_destroy(hv, 1);
    hv_close(hv);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown_world)
    const struct CMUnitTest tests[] = {
        TEST(test_guest_runs_with_its_devices),
        TEST(test_restart_is_a_new_domain_of_the_same_guest),
        TEST(test_what_follows_an_end_is_the_configurations),
        TEST(test_powered_off_guest_is_destroyed),
        TEST(test_rebooted_guest_starts_again),
        TEST(test_preserved_guest_stays_as_it_ended),
        TEST(test_renamed_guest_steps_aside_for_a_new_one),
        TEST(test_guest_that_ends_at_once_is_not_started_for_ever),
        TEST(test_end_during_the_start_is_noticed_at_once),
        TEST(test_guest_destroyed_by_others_is_cleaned_up),
        TEST(test_missing_bridge_is_refused),
        TEST(test_too_little_memory_is_refused),
        TEST(test_missing_kernel_is_refused),
        TEST(test_backends_own_words_reach_the_user),
        TEST(test_silent_backend_is_given_up),
        TEST(test_any_failing_call_leaves_nothing),
        TEST(test_killed_anywhere_in_create_nothing_is_left),
        TEST(test_killed_anywhere_in_destroy_it_is_finished),
        TEST(test_killed_anywhere_in_restart_it_is_finished),
        TEST(test_next_pvnd_finds_its_guests),
        TEST(test_guest_that_went_meanwhile_is_cleaned_up),
        TEST(test_number_without_the_uuid_is_a_strangers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
