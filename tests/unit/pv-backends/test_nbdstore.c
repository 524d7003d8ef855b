/*
 * A disk behind QEMU's storage daemon, the real one: data goes there and back;
 * a daemon that is killed and comes back is asked again for what it had not
 * answered; and what a dead connection had asked for has ended before the next
 * one is there. What the daemon's monitor says is understood, or is no harm.
 *
 * sources: pv-backends/block/nbdstore.c pv-backends/block/nbdlib.c
 * sources: pv-backends/block/export.c pv-backends/block/qmp.c
 * sources: pv-backends/block/blkio.c pv-backends/block/blkio-uring.c
 * sources: pv-backends/block/blkio-threads.c
 * libs: -levent_core -luring -lpthread
 */
#include "pv-backends/block/blkio.h"
#include "pv-backends/block/nbdstore.h"
#include "pv-backends/block/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DISK_BYTES (1u << 20)

static struct {
    char dir[40];
    pid_t daemon;
    struct event_base *base;
    struct nbdstore *store;
    struct nbdstore_facts facts;
    unsigned int connected, failed, finished;
    bool refused;
    char words[200];
} w;

int backend_fail(struct backend_why *why, int rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why->text, sizeof(why->text), fmt, ap);
    va_end(ap);
    return rc;
}

/* --- the daemon --------------------------------------------------------------
 */

static void run_qemu(const char *const *argv)
{
    int null = open("/dev/null", O_RDWR);

    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static void make_image(void)
{
    char path[64];
    const char *argv[] = {"qemu-img", "create", "-q", "-f",
                          "qcow2",    path,     "1M", NULL};
    int status;
    pid_t pid;

    snprintf(path, sizeof(path), "%s/image", w.dir);
    pid = fork();
    if (!pid)
        run_qemu(argv);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static bool is_up(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool up;

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/nbd.sock", w.dir);
    up = !connect(fd, (struct sockaddr *)&addr, sizeof(addr));
    close(fd);
    return up;
}

/* `slow`: writes beyond the first 4 KiB wait, 4 KiB a second. */
static void start_daemon(bool slow, bool read_only)
{
    static char group[] =
        "{\"qom-type\":\"throttle-group\",\"id\":\"t\",\"limits\":"
        "{\"bps-write\":4096}}";
    static char no_group[] = "{\"qom-type\":\"throttle-group\",\"id\":\"t\"}";
    char chardev[128], blockdev[400], server[128];
    const char *argv[] = {
        "qemu-storage-daemon", "--object",   slow ? group : no_group,
        "--chardev",           chardev,      "--monitor",
        "chardev=qmp",         "--blockdev", blockdev,
        "--nbd-server",        server,       NULL};

    snprintf(chardev, sizeof(chardev),
             "socket,id=qmp,path=%s/qmp.sock,server=on,wait=off", w.dir);
    snprintf(server, sizeof(server), "addr.type=unix,addr.path=%s/nbd.sock",
             w.dir);
    snprintf(blockdev, sizeof(blockdev),
             "{\"driver\":\"throttle\",\"node-name\":\"disk\","
             "\"throttle-group\":\"t\",\"read-only\":%s,\"discard\":\"unmap\","
             "\"file\":{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\","
             "\"filename\":\"%s/image\"}}}",
             read_only ? "true" : "false", w.dir);
    w.daemon = fork();
    if (!w.daemon)
        run_qemu(argv);
    for (int i = 0; i < 2000 && !is_up(); i++)
        usleep(5000);
    assert_true(is_up());
}

static void kill_daemon(void)
{
    if (w.daemon) {
        kill(w.daemon, SIGKILL);
        waitpid(w.daemon, NULL, 0);
    }
    w.daemon = 0;
}

/* --- our side ----------------------------------------------------------------
 */

static void on_connected(void *arg, const struct nbdstore_facts *facts)
{
    (void)arg;
    w.facts = *facts;
    w.connected++;
}

static void on_failed(void *arg, bool refused, const char *text)
{
    (void)arg;
    w.failed++;
    w.refused = refused;
    snprintf(w.words, sizeof(w.words), "%s", text);
}

static void on_finished(void *arg)
{
    (void)arg;
    while (blkio_reap(nbdstore_io(w.store)))
        w.finished++;
}

static void run_for(unsigned int ms)
{
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};

    event_base_loopexit(w.base, &tv);
    event_base_dispatch(w.base);
}

static void run_until(const unsigned int *count, unsigned int want)
{
    for (int i = 0; i < 1500 && *count < want; i++)
        run_for(10);
    assert_true(*count >= want);
}

static void open_store(bool read_only)
{
    const struct nbdstore_hooks hooks = {.connected = on_connected,
                                         .failed = on_failed,
                                         .finished = on_finished};
    struct backend_why why;

    w.connected = w.failed = w.finished = 0;
    assert_int_equal(
        nbdstore_open(&w.store, w.base, w.dir, read_only, &hooks, &why), 0);
}

static void queue(struct blkio_op *op, enum blkio_kind kind, void *buf,
                  uint64_t offset, uint64_t length)
{
    *op = (struct blkio_op){
        .kind = kind, .buf = buf, .offset = offset, .length = length};
    blkio_queue(nbdstore_io(w.store), op);
    blkio_submit(nbdstore_io(w.store));
}

static int64_t do_now(enum blkio_kind kind, void *buf, uint64_t offset,
                      uint64_t length)
{
    unsigned int before = w.finished;
    struct blkio_op op;

    queue(&op, kind, buf, offset, length);
    run_until(&w.finished, before + 1);
    return op.result;
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    strcpy(w.dir, "/tmp/nbdstore-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    w.base = event_base_new();
    signal(SIGPIPE, SIG_IGN);
    make_image();
    return 0;
}

static int teardown(void **state)
{
    char line[64];

    (void)state;
    nbdstore_close(w.store);
    kill_daemon();
    event_base_free(w.base);
    snprintf(line, sizeof(line), "rm -r %s", w.dir);
    assert_int_equal(system(line), 0);
    return 0;
}

/* --- claims ------------------------------------------------------------------
 */

static void test_data_goes_there_and_back(void **state)
{
    static unsigned char out[8192], in[8192];

    (void)state;
    start_daemon(false, false);
    open_store(false);
    run_until(&w.connected, 1);
    assert_int_equal(w.facts.size_bytes, DISK_BYTES);
    assert_true(w.facts.can_trim);
    memset(out, 0xa5, sizeof(out));
    assert_int_equal(do_now(BLKIO_WRITE, out, 4096, sizeof(out)), sizeof(out));
    assert_int_equal(do_now(BLKIO_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(do_now(BLKIO_READ, in, 4096, sizeof(in)), sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(do_now(BLKIO_DISCARD, NULL, 0, DISK_BYTES), 0);
    assert_int_equal(do_now(BLKIO_READ, in, 4096, sizeof(in)), sizeof(in));
    memset(out, 0, sizeof(out));
    assert_memory_equal(in, out, sizeof(in));
    /* What lies beyond the end is that request's error alone. */
    assert_true(do_now(BLKIO_READ, in, DISK_BYTES, 512) < 0);
    assert_int_equal(do_now(BLKIO_READ, in, 0, 512), 512);
    assert_int_equal(w.connected, 1);
}

static void test_a_killed_daemon_is_asked_again(void **state)
{
    static unsigned char bufs[8][4096], in[4096];
    struct blkio_op ops[8];

    (void)state;
    start_daemon(true, false);
    open_store(false);
    run_until(&w.connected, 1);
    for (unsigned int i = 0; i < 8; i++) {
        memset(bufs[i], i + 1, sizeof(bufs[i]));
        queue(&ops[i], BLKIO_WRITE, bufs[i], i * 4096, 4096);
    }
    run_for(100);
    assert_true(w.finished < 8);
    kill_daemon();
    run_until(&w.failed, 1);
    assert_false(w.refused);
    start_daemon(false, false);
    run_until(&w.connected, 2);
    run_until(&w.finished, 8);
    for (unsigned int i = 0; i < 8; i++) {
        assert_int_equal(ops[i].result, 4096);
        assert_int_equal(do_now(BLKIO_READ, in, i * 4096, 4096), 4096);
        assert_memory_equal(in, bufs[i], 4096);
    }
}

/* What was answered survives the daemon without a flush. */
static void test_an_answered_write_outlives_the_daemon(void **state)
{
    static unsigned char out[4096], in[4096];

    (void)state;
    memset(out, 0x77, sizeof(out));
    start_daemon(false, false);
    open_store(false);
    run_until(&w.connected, 1);
    assert_int_equal(do_now(BLKIO_WRITE, out, 65536, 4096), 4096);
    kill_daemon();
    start_daemon(false, false);
    assert_int_equal(do_now(BLKIO_READ, in, 65536, 4096), 4096);
    assert_memory_equal(in, out, 4096);
}

static uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* An old write that is still on its way must not land on a newer one. */
static void test_a_dead_connection_has_ended_before_the_next(void **state)
{
    static unsigned char first[4096], old[4096], new[4096], in[4096];
    struct blkio_op ops[2];
    uint64_t begun;

    (void)state;
    memset(old, 1, sizeof(old));
    memset(new, 2, sizeof(new));
    start_daemon(true, false);
    open_store(false);
    run_until(&w.connected, 1);
    queue(&ops[0], BLKIO_WRITE, first, 0, 4096);
    queue(&ops[1], BLKIO_WRITE, old, 32768, 4096);
    run_for(200);
    assert_int_equal(w.finished, 1); /* the other one waits its second */
    nbdstore_close(w.store);         /* as a kill does */
    begun = now_ms();
    open_store(false);
    run_until(&w.connected, 1);
    assert_true(now_ms() - begun > 200);
    assert_int_equal(do_now(BLKIO_READ, in, 32768, 4096), 4096);
    assert_memory_equal(in, old, 4096);
    assert_int_equal(do_now(BLKIO_WRITE, new, 32768, 4096), 4096);
    run_for(1500);
    assert_int_equal(do_now(BLKIO_READ, in, 32768, 4096), 4096);
    assert_memory_equal(in, new, 4096);
}

static void test_a_refusal_is_said(void **state)
{
    (void)state;
    start_daemon(false, true);
    open_store(false);
    run_until(&w.failed, 1);
    assert_true(w.refused);
    assert_non_null(strstr(w.words, "read-only"));
    nbdstore_close(w.store);
    open_store(true);
    run_until(&w.connected, 1);
    assert_false(w.facts.can_trim);
}

static void test_nobody_is_waited_for_only_by_the_loop(void **state)
{
    static unsigned char in[512];
    struct blkio_op op;

    (void)state;
    open_store(false);
    run_until(&w.failed, 2);
    assert_false(w.refused);
    queue(&op, BLKIO_READ, in, 0, sizeof(in));
    assert_ptr_equal(blkio_wait(nbdstore_io(w.store)), &op);
    assert_true(op.result == BLKIO_GIVEN_UP);
    assert_null(blkio_wait(nbdstore_io(w.store)));
    queue(&op, BLKIO_READ, in, 0, sizeof(in));
    start_daemon(false, false);
    run_until(&w.finished, 1);
    assert_int_equal(op.result, 512);
}

static void test_what_a_monitor_says(void **state)
{
    char words[16];

    (void)state;
    assert_int_equal(qmp_line("{\"QMP\": {\"version\": {}}}\r"), QMP_GREETING);
    assert_int_equal(qmp_line("{\"return\": {}}"), QMP_DONE);
    assert_int_equal(qmp_line("{\"return\": []}\r"), QMP_EMPTY);
    assert_int_equal(qmp_line("{\"return\": [{\"id\": \"disk\"}]}"), QMP_DONE);
    assert_int_equal(qmp_line("{\"timestamp\": {}, \"event\": \"X\"}"),
                     QMP_OTHER);
    assert_int_equal(qmp_line(""), QMP_OTHER);
    assert_int_equal(qmp_line("{\"return\": []} trailing"), QMP_DONE);
    assert_int_equal(qmp_line("{\"error\": {\"class\": \"GenericError\"}}"),
                     QMP_ERROR);
    qmp_error_text("{\"error\": {\"desc\": \"it \\\"is\\\" \x1b so, surely\"}}",
                   words, sizeof(words));
    assert_string_equal(words, "it \"is\" ? so, s");
    qmp_error_text("{\"error\": {}}", words, sizeof(words));
    assert_int_equal(strlen(words), 15);
    qmp_error_text("\"desc\": \"\\", words, sizeof(words));
    assert_string_equal(words, "\\");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_data_goes_there_and_back),
        TEST(test_a_killed_daemon_is_asked_again),
        TEST(test_an_answered_write_outlives_the_daemon),
        TEST(test_a_dead_connection_has_ended_before_the_next),
        TEST(test_a_refusal_is_said),
        TEST(test_nobody_is_waited_for_only_by_the_loop),
        cmocka_unit_test(test_what_a_monitor_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
