#include "dom0/daemon/helpers.h"
#include "dom0/daemon/images.h"
#include "dom0/daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE_MS    3000
#define DHCP_PREFIX "dhcp-"
#define NET_USER    "paravane-net"
#define BLOCK_USER  "paravane-blk"

/* --- one program, from the loop's thread -----------------------------------*/

static int keep_program(struct daemon *d, const char *name, const char *program,
                        const char *option, const char *value)
{
    char path[300];
    const char *argv[] = {path, option, value, NULL};

    snprintf(path, sizeof(path), "%s/%s", d->o.programs, program);
    if (access(path, X_OK)) {
        log_error("%s: %s", path, strerror(errno));
        return -errno;
    }
    return supervisor_keep(d->supervisor, name, argv);
}

int helpers_start_store(struct daemon *d)
{
    if (d->o.external_store)
        return 0;
    return keep_program(d, "pvstored", "pvstored", "--foreground", NULL);
}

/* As a user of its own if the host has one. */
static int start_net(struct daemon *d)
{
    const struct passwd *user = getpwnam(NET_USER);
    char ids[32];

    if (!user) {
        log_warn("there is no user %s: pvnetd stays root", NET_USER);
        return keep_program(d, "pvnetd", "pvnetd", NULL, NULL);
    }
    snprintf(ids, sizeof(ids), "%u:%u", user->pw_uid, user->pw_gid);
    return keep_program(d, "pvnetd", "pvnetd", "--user", ids);
}

int helpers_start_host(struct daemon *d)
{
    int rc = 0;

    if (!d->o.external_console)
        rc = keep_program(d, "pvconsoled", "pvconsoled", NULL, NULL);
    if (!rc && !d->o.external_backends)
        rc = start_net(d);
    return rc;
}

/* --- DHCP ------------------------------------------------------------------*/

/* 1: it held something else before; 0: the same; -EIO. */
static int replace_file(const char *path, const char *text)
{
    size_t len = strlen(text);
    char old[2048];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    ssize_t n = fd < 0 ? -1 : read(fd, old, sizeof(old));
    int rc = -EIO;

    if (n == (ssize_t)len && !memcmp(old, text, len))
        rc = 0;
    else if (n >= 0 && !ftruncate(fd, 0) &&
             pwrite(fd, text, len, 0) == (ssize_t)len)
        rc = 1;
    if (fd >= 0)
        close(fd);
    return rc;
}

static void start_dhcp_again(void *arg)
{
    helpers_start_dhcp(arg);
}

/* One that was to read its configuration anew has ended. */
static void dnsmasq_gone(void *arg)
{
    struct daemon *d = arg;

    loop_post(d->loop, start_dhcp_again, d);
}

static void start_dnsmasq(struct daemon *d, const struct network *n,
                          const char *dir)
{
    static const char program[] = "/usr/sbin/dnsmasq";
    char name[64], path[300], option[320], text[1024];
    const char *argv[] = {program, option, NULL};
    int rc;

    snprintf(name, sizeof(name), DHCP_PREFIX "%s", n->name);
    snprintf(path, sizeof(path), "%s/%s.conf", dir, n->name);
    snprintf(option, sizeof(option), "--conf-file=%s", path);
    if (access(program, X_OK)) {
        log_warn("network %s wants DHCP, but %s is not installed", n->name,
                 program);
        return;
    }
    rc = network_dnsmasq(n, dir, text, sizeof(text));
    if (!rc)
        rc = replace_file(path, text);
    if (rc < 0)
        log_error("cannot write %s", path);
    else if (supervisor_keep(d->supervisor, name, argv) == -EEXIST && rc)
        supervisor_stop(d->supervisor, name, GRACE_MS, dnsmasq_gone, d);
}

/* Servers of networks that are no longer, or no longer want one. */
static void stop_dhcp_elsewhere(struct daemon *d)
{
    json_t *children = supervisor_list(d->supervisor), *child;
    const struct network *n;
    const char *name;
    size_t i;

    json_array_foreach(children, i, child)
    {
        name = json_string_value(json_object_get(child, "name"));
        if (!name || strncmp(name, DHCP_PREFIX, strlen(DHCP_PREFIX)))
            continue;
        n = networks_find(&d->networks, name + strlen(DHCP_PREFIX));
        if (!n || !n->dhcp)
            supervisor_stop(d->supervisor, name, GRACE_MS, NULL, NULL);
    }
    json_decref(children);
}

void helpers_start_dhcp(struct daemon *d)
{
    char dir[256];
    size_t i;

    daemon_path(d, "net", dir, sizeof(dir));
    pthread_mutex_lock(&d->lock);
    stop_dhcp_elsewhere(d);
    for (i = 0; i < d->networks.nr; i++)
        if (d->networks.list[i].dhcp)
            start_dnsmasq(d, &d->networks.list[i], dir);
    pthread_mutex_unlock(&d->lock);
}

/* --- from other threads ----------------------------------------------------*/

/* A call of the supervisor's that is waited for. */
struct child_call {
    struct daemon *d;
    const char *name;
    const char *const *argv;
    const struct supervised *how;
    unsigned restarts;
    pid_t pid;
    int rc;
    pthread_mutex_t lock;
    pthread_cond_t gone;
    bool is_gone;
};

static void keep_child(void *arg)
{
    struct child_call *c = arg;

    c->rc = supervisor_keep_as(c->d->supervisor, c->name, c->argv, c->how);
    if (c->rc == -EEXIST)
        c->rc = 0;
}

int helpers_keep(struct daemon *d, const char *name, const char *const *argv,
                 const struct supervised *how)
{
    struct child_call c = {.d = d, .name = name, .argv = argv, .how = how};
    int rc = loop_call(d->loop, keep_child, &c);

    return rc ? rc : c.rc;
}

static void count_restarts(void *arg)
{
    struct child_call *c = arg;

    c->restarts = supervisor_restarts(c->d->supervisor, c->name);
}

unsigned helpers_restarts(struct daemon *d, const char *name)
{
    struct child_call c = {.d = d, .name = name};

    return loop_call(d->loop, count_restarts, &c) ? 0 : c.restarts;
}

static void look_for_pid(void *arg)
{
    struct child_call *c = arg;

    c->pid = supervisor_pid(c->d->supervisor, c->name);
}

pid_t helpers_pid(struct daemon *d, const char *name)
{
    struct child_call c = {.d = d, .name = name};

    return loop_call(d->loop, look_for_pid, &c) ? 0 : c.pid;
}

static void child_gone(void *arg)
{
    struct child_call *c = arg;

    pthread_mutex_lock(&c->lock);
    c->is_gone = true;
    pthread_cond_signal(&c->gone);
    pthread_mutex_unlock(&c->lock);
}

static void stop_child(void *arg)
{
    struct child_call *c = arg;

    supervisor_stop(c->d->supervisor, c->name, GRACE_MS, child_gone, c);
}

void helpers_stop(struct daemon *d, const char *name)
{
    struct child_call c = {.d = d, .name = name};

    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.gone, NULL);
    if (!loop_call(d->loop, stop_child, &c)) {
        pthread_mutex_lock(&c.lock);
        while (!c.is_gone)
            pthread_cond_wait(&c.gone, &c.lock);
        pthread_mutex_unlock(&c.lock);
    }
    pthread_cond_destroy(&c.gone);
    pthread_mutex_destroy(&c.lock);
}

/* --- block backends --------------------------------------------------------*/

struct block_call {
    struct daemon *d;
    uint32_t domid;
    int rc;
};

static void block_name(uint32_t domid, char *name, size_t size)
{
    snprintf(name, size, "pvblkd-%u", domid);
}

void helpers_find_users(struct daemon *d)
{
    const struct passwd *user = getpwnam(BLOCK_USER);

    if (!user) {
        log_warn("there is no user %s: pvblkd stays root", BLOCK_USER);
        return;
    }
    d->block_uid = user->pw_uid;
    d->block_gid = user->pw_gid;
}

/* As a user of its own it cannot open images: it asks us (images.h). */
static void start_block(void *arg)
{
    struct block_call *c = arg;
    struct daemon *d = c->d;
    char name[32], id[16], path[300], user[32], images[256];
    const char *argv[] = {path, "--domid",  id,     "--user",
                          user, "--opener", images, NULL};

    block_name(c->domid, name, sizeof(name));
    snprintf(id, sizeof(id), "%u", c->domid);
    snprintf(path, sizeof(path), "%s/pvblkd", d->o.programs);
    snprintf(user, sizeof(user), "%u:%u", d->block_uid, d->block_gid);
    daemon_path(d, IMAGES_SOCKET, images, sizeof(images));
    if (!d->block_uid)
        argv[3] = NULL;
    c->rc = access(path, X_OK) ? -errno
                               : supervisor_keep(d->supervisor, name, argv);
    if (c->rc == -EEXIST)
        c->rc = 0;
}

int helpers_start_block(struct daemon *d, uint32_t domid, struct fault *f)
{
    struct block_call c = {.d = d, .domid = domid};
    int rc;

    if (d->o.external_backends)
        return 0;
    rc = loop_call(d->loop, start_block, &c);
    if (!rc)
        rc = c.rc;
    if (rc)
        fault_set(f, rc, FAULT_DEVICE, "cannot start the block backend: %s",
                  strerror(-rc));
    return rc;
}

void helpers_stop_block(struct daemon *d, uint32_t domid)
{
    char name[32];

    block_name(domid, name, sizeof(name));
    helpers_stop(d, name);
}

static void orphan(void *ctx, const char *name)
{
    struct daemon *d = ctx;
    struct guest *g;
    unsigned domid;

    if (sscanf(name, "pvblkd-%u", &domid) == 1 ||
        sscanf(name, STORAGE_PREFIX "%u", &domid) == 1) {
        g = registry_find_domid(d->registry, domid);
        if (g) {
            registry_put(d->registry, g);
            return; /* its guest is about to be adopted */
        }
    }
    log_info("%s is of no use any more: ended", name);
    supervisor_stop(d->supervisor, name, GRACE_MS, NULL, NULL);
}

void helpers_stop_orphans(struct daemon *d)
{
    supervisor_each_orphan(d->supervisor, orphan, d);
}

/* --- looking ---------------------------------------------------------------*/

struct list_call {
    struct daemon *d;
    json_t *list;
};

static void list(void *arg)
{
    struct list_call *c = arg;

    c->list = supervisor_list(c->d->supervisor);
}

json_t *helpers_list(struct daemon *d)
{
    struct list_call c = {.d = d};

    if (loop_call(d->loop, list, &c))
        return json_array();
    return c.list;
}
