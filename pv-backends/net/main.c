/* pvnetd: the network cards of all guests. See pvnetd(8). */
#include "pv-backends/net/device.h"
#include "pv-backends/net/netback.h"
#include "pv-backends/runtime/instance.h"
#include "pv-backends/runtime/log.h"
#include "pv-backends/runtime/loop.h"
#include "pv-backends/runtime/option.h"
#include "pv-backends/runtime/privilege.h"

#include <getopt.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_DIR   "/run/paravane"
#define STATE_DIR RUN_DIR "/pvnetd"

static void usage(FILE *to)
{
    fputs("Usage: pvnetd [--max-queues N] [--no-switch] [--poll-us N]\n"
          "              [--user UID:GID] [--version | --help]\n"
          "Serve the network cards of every guest. See pvnetd(8).\n",
          to);
}

struct options {
    unsigned int poll_us;
    struct privilege_user user;
    struct net_settings settings;
};

/* 0 to go on, 1 to end well, 2 to end badly. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"max-queues", required_argument, NULL, 'q'},
        {"no-switch", no_argument, NULL, 'n'},
        {"poll-us", required_argument, NULL, 'P'},
        {"user", required_argument, NULL, 'u'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c, rc = 0;

    while (!rc && (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'q':
            rc = option_number("max-queues", optarg, 1, NET_MAX_QUEUES,
                               &o->settings.max_queues);
            break;
        case 'P':
            rc = option_number("poll-us", optarg, 0, 10000, &o->poll_us);
            break;
        case 'n':
            o->settings.switching = false;
            break;
        case 'u':
            rc = privilege_parse_user(optarg, &o->user);
            if (rc)
                fprintf(stderr, "pvnetd: no user: %s\n", optarg);
            break;
        case 'V':
            puts("pvnetd " PARAVANE_VERSION);
            return 1;
        case 'h':
            usage(stdout);
            return 1;
        default:
            return 2;
        }
    }
    if (!rc && optind < argc) {
        usage(stderr);
        rc = 2;
    }
    return rc ? 2 : 0;
}

int main(int argc, char **argv)
{
    struct options o = {.poll_us = LOOP_POLL_US,
                        .settings = {.state_dir = STATE_DIR,
                                     .max_queues = 4,
                                     .switching = true}};
    struct backend_host *host;
    struct loop *loop;
    int rc = parse(argc, argv, &o);

    if (rc)
        return rc == 1 ? 0 : 2;
    if (instance_make_dir(RUN_DIR, 0755) ||
        instance_make_dir(STATE_DIR, 0700) ||
        instance_lock(RUN_DIR, "pvnetd", 0) ||
        instance_give(STATE_DIR, o.user.uid))
        return 1;
    rc = loop_open(&loop, 30, o.poll_us);
    if (rc)
        return 1;
    log_info("version " PARAVANE_VERSION);
    net_device_setup(&o.settings);
    netback_setup(loop->gnttab);
    rc = privilege_drop(1ull << CAP_NET_ADMIN, o.user); /* taps, bridges */
    if (!rc)
        rc = backend_host_open(&host, loop, &net_class, -1);
    if (!rc) {
        rc = loop_run(loop);
        backend_host_close(host);
    }
    loop_close(loop);
    return rc ? 1 : 0;
}
