/* pvnetd: the network cards of all guests. See pvnetd(8). */
#include "pv-backends/net/device.h"
#include "pv-backends/runtime/instance.h"
#include "pv-backends/runtime/log.h"
#include "pv-backends/runtime/loop.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_DIR   "/run/paravane"
#define STATE_DIR RUN_DIR "/pvnetd"

static void usage(FILE *to)
{
    fputs("Usage: pvnetd [--max-queues N] [--no-switch] [--version | --help]\n"
          "Serve the network cards of every guest. See pvnetd(8).\n",
          to);
}

static int parse_queues(const char *text, unsigned int *nr)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (!*text || *end || v < 1 || v > NET_MAX_QUEUES) {
        fprintf(stderr, "pvnetd: --max-queues takes 1 to %d\n", NET_MAX_QUEUES);
        return 2;
    }
    *nr = (unsigned int)v;
    return 0;
}

/* 0 to go on, 1 to end well, 2 to end badly. */
static int parse(int argc, char **argv, struct net_settings *s)
{
    static const struct option longs[] = {
        {"max-queues", required_argument, NULL, 'q'},
        {"no-switch", no_argument, NULL, 'n'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c, rc = 0;

    while (!rc && (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'q':
            rc = parse_queues(optarg, &s->max_queues);
            break;
        case 'n':
            s->switching = false;
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
    return rc;
}

int main(int argc, char **argv)
{
    struct net_settings settings = {
        .state_dir = STATE_DIR, .max_queues = 4, .switching = true};
    struct backend_host *host;
    struct loop *loop;
    int rc = parse(argc, argv, &settings);

    if (rc)
        return rc == 1 ? 0 : 2;
    if (instance_make_dir(RUN_DIR, 0755) ||
        instance_make_dir(STATE_DIR, 0700) ||
        instance_lock(RUN_DIR, "pvnetd", 0))
        return 1;
    rc = loop_open(&loop, 30);
    if (rc)
        return 1;
    log_info("pvnetd " PARAVANE_VERSION);
    net_device_setup(&settings);
    rc = backend_host_open(&host, loop, &net_class, -1);
    if (!rc) {
        rc = loop_run(loop);
        backend_host_close(host);
    }
    loop_close(loop);
    return rc ? 1 : 0;
}
