/* pvblkd: the disks of one guest. See pvblkd(8). */
#include "pv-backends/block/blkback.h"
#include "pv-backends/block/blkio.h"
#include "pv-backends/block/device.h"
#include "pv-backends/runtime/confine.h"
#include "pv-backends/runtime/instance.h"
#include "pv-backends/runtime/log.h"
#include "pv-backends/runtime/loop.h"
#include "pv-backends/runtime/option.h"
#include "pv-backends/runtime/privilege.h"
#include "pv-backends/runtime/spin.h"
#include "dom0/libs/evtchn/evtchn.h"

#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

struct options {
    int domid;
    const char *io;
    unsigned int poll_us;
    struct privilege_user user;
    struct blk_settings settings;
};

static void usage(FILE *to)
{
    fputs("Usage: pvblkd --domid N [--io uring|threads] [--state-dir DIR]\n"
          "              [--persistent-grants] [--max-queues N] [--poll-us N]\n"
          "              [--user UID:GID] [--opener SOCKET]\n"
          "Serve the disks of guest N (0: of every guest). See pvblkd(8).\n",
          to);
}

static int parse_domid(const char *text, int *domid)
{
    char *end;
    long v = strtol(text, &end, 10);

    if (!*text || *end || v < 0 || v >= 0x7ff0)
        return -EINVAL;
    *domid = v ? (int)v : -1;
    return 0;
}

/* 0 to go on, 1 to end well, 2 to end badly. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"domid", required_argument, NULL, 'd'},
        {"io", required_argument, NULL, 'i'},
        {"state-dir", required_argument, NULL, 's'},
        {"persistent-grants", no_argument, NULL, 'p'},
        {"max-queues", required_argument, NULL, 'q'},
        {"poll-us", required_argument, NULL, 'P'},
        {"user", required_argument, NULL, 'u'},
        {"opener", required_argument, NULL, 'o'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c, have_domid = 0;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'd':
            if (parse_domid(optarg, &o->domid)) {
                fprintf(stderr, "pvblkd: no domain number: %s\n", optarg);
                return 2;
            }
            have_domid = 1;
            break;
        case 'i':
            o->io = optarg;
            break;
        case 's':
            o->settings.state_dir = optarg;
            break;
        case 'p':
            o->settings.persistent = 1;
            break;
        case 'q':
            if (option_number("max-queues", optarg, 1, BLK_MAX_QUEUES,
                              &o->settings.max_queues))
                return 2;
            break;
        case 'P':
            if (option_number("poll-us", optarg, 0, 10000, &o->poll_us))
                return 2;
            break;
        case 'u':
            if (privilege_parse_user(optarg, &o->user)) {
                fprintf(stderr, "pvblkd: no user: %s\n", optarg);
                return 2;
            }
            break;
        case 'o':
            o->settings.opener = optarg;
            break;
        case 'V':
            puts("pvblkd " PARAVANE_VERSION);
            return 1;
        case 'h':
            usage(stdout);
            return 1;
        default:
            return 2;
        }
    }
    if (!have_domid || optind < argc) {
        usage(stderr);
        return 2;
    }
    return 0;
}

static bool reap(void *arg)
{
    return blkback_reap(arg);
}

static void no_rest(void *arg)
{
    (void)arg; /* its descriptor tells of it in any case */
}

/* What is under way finishes soon, or a new request comes. */
struct io_events {
    struct blkio *io;
    struct spin *spin;
    struct spin_source source;
};

static void on_io(evutil_socket_t fd, short what, void *arg)
{
    struct io_events *e = arg;

    (void)fd, (void)what;
    if (reap(e->io))
        spin_touch(e->spin, &e->source);
}

/* What a guest that took us over could not reach through us. */
static int give_up(const struct options *o, struct loop *loop)
{
    int rc = 0;

    if (o->domid > 0)
        rc = evtchn_restrict(loop->evtchn, (uint32_t)o->domid);
    if (rc)
        log_warning("event channels of other guests stay in reach: %s",
                    strerror(-rc));
    /* Whoever owns the images, unless somebody else opens them. */
    rc = privilege_drop(o->settings.opener ? 0 : 1ull << CAP_DAC_OVERRIDE,
                        o->user);
    return rc || !o->settings.opener ? rc
                                     : confine_files(o->settings.state_dir);
}

/* One process per guest, and one journal per disk. */
static int take_place(const struct options *o)
{
    int rc = instance_make_dir(o->settings.state_dir, 0700);

    if (!rc)
        rc = instance_lock(o->settings.state_dir, "pvblkd",
                           o->domid > 0 ? o->domid : 0);
    if (!rc)
        rc = instance_give(o->settings.state_dir, o->user.uid);
    return rc;
}

static int serve(struct options *o, struct loop *loop, struct blkio *io)
{
    struct io_events events = {
        .io = io,
        .spin = loop->spin,
        .source = {.work = reap, .rest = no_rest, .arg = io}};
    struct backend_host *host;
    struct event *done = event_new(loop->base, blkio_fd(io),
                                   EV_READ | EV_PERSIST, on_io, &events);
    int rc = -ENOMEM;

    if (!done || event_add(done, NULL))
        return rc;
    o->settings.io = io;
    blk_device_setup(&o->settings);
    rc = backend_host_open(&host, loop, &blk_class, o->domid);
    if (!rc) {
        rc = loop_run(loop);
        backend_host_close(host);
    }
    spin_forget(loop->spin, &events.source);
    event_free(done);
    return rc;
}

/* Its threads begin here: they have what we have left. */
static int work_with(struct options *o, struct loop *loop)
{
    struct blkio *io;
    int rc = blkio_open(&io, o->io);

    if (rc) {
        log_error("no asynchronous I/O: %s", strerror(-rc));
        return rc;
    }
    log_info("version " PARAVANE_VERSION " (%s)", blkio_name(io));
    rc = serve(o, loop, io);
    blkio_close(io);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .settings = {.state_dir = "/run/paravane/pvblkd", .max_queues = 4}};
    struct loop *loop;
    int rc = parse(argc, argv, &o);

    if (rc)
        return rc == 1 ? 0 : 2;
    if (take_place(&o))
        return 1;
    rc = loop_open(&loop, 30, o.poll_us);
    if (rc)
        return 1;
    rc = give_up(&o, loop);
    if (!rc)
        rc = work_with(&o, loop);
    loop_close(loop);
    return rc ? 1 : 0;
}
