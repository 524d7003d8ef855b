/* pvconsoled: the consoles of all guests. See pvconsoled(8). */
#include "pv-backends/console/domains.h"
#include "pv-backends/runtime/instance.h"
#include "pv-backends/runtime/log.h"
#include "pv-backends/runtime/loop.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>

#include <event2/event.h>

static void usage(FILE *to)
{
    fputs("Usage: pvconsoled [--socket-dir DIR] [--log-dir DIR] "
          "[--group NAME]\n"
          "Serve the consoles of every guest. See pvconsoled(8).\n",
          to);
}

/* 0 to go on, 1 to end well, 2 to end badly. */
static int parse(int argc, char **argv, struct console_dirs *dirs,
                 const char **group)
{
    static const struct option longs[] = {
        {"socket-dir", required_argument, NULL, 's'},
        {"log-dir", required_argument, NULL, 'l'},
        {"group", required_argument, NULL, 'g'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 's':
            dirs->sockets = optarg;
            break;
        case 'l':
            dirs->logs = optarg;
            break;
        case 'g':
            *group = optarg;
            break;
        case 'V':
            puts("pvconsoled " PARAVANE_VERSION);
            return 1;
        case 'h':
            usage(stdout);
            return 1;
        default:
            return 2;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return 2;
    }
    return 0;
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    domains_reopen_logs(arg);
}

static int serve(struct loop *loop, const struct console_dirs *dirs)
{
    struct domains *ds;
    struct event *hangup;
    int rc = domains_open(&ds, loop, dirs);

    if (rc)
        return rc;
    hangup = evsignal_new(loop->base, SIGHUP, on_hangup, ds);
    if (hangup && !event_add(hangup, NULL))
        rc = loop_run(loop);
    else
        rc = -ENOMEM;
    domains_close(ds);
    if (hangup)
        event_free(hangup);
    return rc;
}

int main(int argc, char **argv)
{
    struct console_dirs dirs = {"/run/paravane/console", "/var/log/paravane",
                                -1};
    const char *group_name = "paravane";
    struct loop *loop;
    struct group *group;
    int rc = parse(argc, argv, &dirs, &group_name);

    if (rc)
        return rc == 1 ? 0 : 2;
    group = getgrnam(group_name);
    if (group)
        dirs.group = (int)group->gr_gid;
    if (instance_make_dir(dirs.sockets, 0755) ||
        instance_make_dir(dirs.logs, 0750) ||
        instance_lock(dirs.sockets, "pvconsoled", 0))
        return 1;
    rc = loop_open(&loop, 30, 0);
    if (rc)
        return 1;
    log_info("version " PARAVANE_VERSION "%s",
             group ? "" : ": no such group: only root may connect");
    rc = serve(loop, &dirs);
    loop_close(loop);
    return rc ? 1 : 0;
}
