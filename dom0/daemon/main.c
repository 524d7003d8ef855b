/*
 * pvnd comes up in this order: the host is fit and ours; the store; domain 0's
 * own nodes; networks; console and network daemons; guests and operations of
 * an earlier life; then the control socket. It ends at any time, by SIGTERM or
 * SIGKILL alike: everything goes on without it, and the next one carries on.
 */
#include "dom0/daemon/daemon.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/host.h"
#include "dom0/daemon/images.h"
#include "dom0/daemon/leave.h"
#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/method.h"
#include "dom0/daemon/netsetup.h"
#include "dom0/daemon/options.h"
#include "dom0/daemon/recover.h"
#include "dom0/daemon/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- small things a daemon does --------------------------------------------*/

static int make_dir(const char *path, mode_t mode, struct fault *f)
{
    if (mkdir(path, mode) && errno != EEXIST)
        return fault_set(f, -errno, FAULT_FAILED, "%s: %s", path,
                         strerror(errno));
    return 0;
}

static gid_t group_id(const char *name)
{
    struct group *g = getgrnam(name);

    if (!g)
        log_warn("there is no group \"%s\": only root may use pvn", name);
    return g ? g->gr_gid : 0;
}

static int make_dirs(struct daemon *d, struct fault *f)
{
    static const char *const subs[] = {"ops", "children", "net"};
    char path[256];
    size_t i;
    int rc;

    rc = make_dir(d->o.run_dir, 0755, f);
    for (i = 0; i < sizeof(subs) / sizeof(subs[0]) && !rc; i++)
        rc = make_dir(daemon_path(d, subs[i], path, sizeof(path)), 0755, f);
    if (!rc)
        rc = make_dir(d->o.log_dir, 0750, f);
    return rc;
}

/* Held until we end, however that happens. */
static int lock_instance(struct daemon *d, struct fault *f)
{
    char path[256];
    int fd = open(daemon_path(d, "pvnd.lock", path, sizeof(path)),
                  O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return fault_set(f, -errno, FAULT_FAILED, "%s: %s", path,
                         strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB))
        return fault_set(f, -EBUSY, FAULT_BUSY, "another pvnd runs already");
    return 0;
}

/* sd_notify(3)'s protocol, where systemd started us. */
static void notify_ready(void)
{
    static const char text[] = "READY=1";
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    socklen_t len;
    int fd;

    if (!path || strlen(path) >= sizeof(addr.sun_path))
        return;
    strcpy(addr.sun_path, path);
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (addr.sun_path[0] == '@')
        addr.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL,
               (struct sockaddr *)&addr, len) < 0)
        log_warn("systemd cannot be told that we are ready");
    close(fd);
}

/* --- networks --------------------------------------------------------------*/

/* Read networks.conf and make it true. A file with a mistake changes
 * nothing. */
static void load_networks(struct daemon *d)
{
    struct networks new = {0}, old;
    const struct network *usual;
    struct fault f = {0};
    char path[300], *text;
    size_t len;

    snprintf(path, sizeof(path), "%s/networks.conf", d->o.etc_dir);
    text = read_file(path, NETWORKS_FILE_MAX, &len);
    if (!text && errno != ENOENT)
        log_error("%s: %s", path, strerror(errno));
    if (!text || networks_parse(&new, path, text, len, &f)) {
        if (text)
            log_error("%s", f.text);
        free(text);
        return;
    }
    free(text);
    netsetup_apply(&new, daemon_path(d, "net", path, sizeof(path)));
    pthread_mutex_lock(&d->lock);
    old = d->networks;
    d->networks = new;
    /* Guests without a word on it go to the network "default". */
    usual = networks_find(&new, "default");
    snprintf(d->default_bridge, sizeof(d->default_bridge), "%s",
             usual ? usual->bridge : "");
    pthread_mutex_unlock(&d->lock);
    networks_release(&old);
    if (!d->o.external_backends)
        helpers_start_dhcp(d);
}

/* --- signals ---------------------------------------------------------------*/

static void on_end(evutil_socket_t sig, short what, void *arg)
{
    struct daemon *d = arg;

    (void)what;
    log_info("signal %d: ending; guests and their daemons go on", (int)sig);
    event_base_loopbreak(loop_base(d->loop));
}

static void on_reload(evutil_socket_t sig, short what, void *arg)
{
    (void)sig, (void)what;
    log_info("reading networks.conf again");
    load_networks(arg);
}

static int catch_signals(struct daemon *d)
{
    struct event_base *base = loop_base(d->loop);
    struct event *events[] = {
        evsignal_new(base, SIGTERM, on_end, d),
        evsignal_new(base, SIGINT, on_end, d),
        evsignal_new(base, SIGHUP, on_reload, d),
    };
    size_t i;

    for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (!events[i] || event_add(events[i], NULL))
            return -ENOMEM;
    return 0;
}

/* --- coming up -------------------------------------------------------------*/

static void open_for_business(void *arg)
{
    struct daemon *d = arg;
    char path[256];
    int rc;

    helpers_stop_orphans(d);
    rc = lifecycle_start(d);
    if (!rc)
        rc = server_open(&d->server, loop_base(d->loop),
                         daemon_path(d, "pvnd.sock", path, sizeof(path)),
                         group_id(d->o.group), method_request, d);
    if (rc) {
        log_error("cannot serve: %s", strerror(-rc));
        exit(1);
    }
    notify_ready();
    log_info("ready");
    if (*d->o.cache_dir)
        daemon_work(d, warm_kernels, d); /* without it guests come later */
}

/* In a thread, while the loop already serves the supervisor. */
static void recover_then_open(void *arg)
{
    struct daemon *d = arg;

    recover(d);
    if (loop_post(d->loop, open_for_business, d))
        exit(1);
}

static int create_parts(struct daemon *d)
{
    char path[256];
    int rc;

    pthread_mutex_init(&d->lock, NULL);
    d->started_ms = now_ms();
    rc = loop_create(&d->loop);
    if (!rc)
        rc = catch_signals(d);
    if (!rc)
        rc = supervisor_create(&d->supervisor, loop_base(d->loop),
                               daemon_path(d, "children", path, sizeof(path)));
    if (!rc)
        rc = registry_create(&d->registry,
                             daemon_path(d, "domains", path, sizeof(path)));
    if (!rc)
        rc = kits_create(&d->kits);
    helpers_find_users(d);
    if (!rc && !d->o.leave && !d->o.external_backends)
        rc = images_listen(d);
    return rc;
}

static int start(struct daemon *d, struct fault *f)
{
    int rc = host_check(&d->o, f);

    if (!rc)
        rc = make_dirs(d, f);
    if (!rc)
        rc = lock_instance(d, f);
    if (!rc)
        rc = host_mount_xenfs(f);
    if (rc)
        return rc;
    rc = create_parts(d);
    if (!rc && d->o.leave)
        return leave_host(d, f);
    if (!rc)
        rc = helpers_start_store(d);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "%s", strerror(-rc));
    rc = host_wait_store(15000, f);
    if (!rc)
        rc = host_enter_dom0(d, f);
    if (rc)
        return rc;
    load_networks(d);
    rc = helpers_start_host(d);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "%s", strerror(-rc));
    registry_load(d->registry);
    return daemon_work(d, recover_then_open, d);
}

int main(int argc, char **argv)
{
    static struct daemon d;
    struct fault f = {0};
    int rc;

    json_object_seed(0);
    signal(SIGPIPE, SIG_IGN);
    rc = options_read(&d.o, argc, argv, &f);
    if (rc > 0)
        return 0;
    if (!rc)
        rc = start(&d, &f);
    if (rc) {
        fault_set(&f, rc, FAULT_FAILED, "%s", strerror(-rc));
        log_error("%s", f.text);
        return 1;
    }
    if (d.o.leave)
        return 0;
    event_base_dispatch(loop_base(d.loop));
    /* Threads may still be at work; they are cut off here as by SIGKILL. */
    server_close(d.server);
    return 0;
}
