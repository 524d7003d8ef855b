/* pvnetd: the network cards of all guests. See pvnetd(8). */
#include "pv-backends/net/device.h"
#include "pv-backends/runtime/instance.h"
#include "pv-backends/runtime/log.h"
#include "pv-backends/runtime/loop.h"

#include <stdio.h>
#include <string.h>

#define RUN_DIR "/run/paravane"

static void usage(FILE *to)
{
    fputs("Usage: pvnetd [--version | --help]\n"
          "Serve the network cards of every guest. See pvnetd(8).\n",
          to);
}

/* 0 to go on, 1 to end well, 2 to end badly. */
static int parse(int argc, char **argv)
{
    if (argc == 1)
        return 0;
    if (argc == 2 && !strcmp(argv[1], "--version")) {
        puts("pvnetd " PARAVANE_VERSION);
        return 1;
    }
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        usage(stdout);
        return 1;
    }
    usage(stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct backend_host *host;
    struct loop *loop;
    int rc = parse(argc, argv);

    if (rc)
        return rc == 1 ? 0 : 2;
    if (instance_make_dir(RUN_DIR, 0755) || instance_lock(RUN_DIR, "pvnetd", 0))
        return 1;
    rc = loop_open(&loop, 30);
    if (rc)
        return 1;
    log_info("version " PARAVANE_VERSION);
    rc = backend_host_open(&host, loop, &net_class, -1);
    if (!rc) {
        rc = loop_run(loop);
        backend_host_close(host);
    }
    loop_close(loop);
    return rc ? 1 : 0;
}
