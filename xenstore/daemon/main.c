/* pvstored: the order things are started in. */
#include "xenstore/core/journal.h"
#include "xenstore/daemon/domains.h"
#include "xenstore/daemon/log.h"
#include "xenstore/daemon/options.h"
#include "xenstore/daemon/server.h"
#include "xenstore/daemon/sockets.h"
#include "xenstore/transport/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The directory a file goes into. */
static void make_parent(const char *path)
{
    char dir[4096], *s;

    if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
        return;
    for (s = strchr(dir + 1, '/'); s; s = strchr(s + 1, '/')) {
        *s = '\0';
        mkdir(dir, 0755); /* if this fails, using it will say why */
        *s = '/';
    }
}

/* --- background -------------------------------------------------------------
 */

/*
 * The parent waits until the daemon serves, or has said why it cannot: the
 * daemon's end of the pipe, or -1 in the foreground.
 */
static int go_background(void)
{
    int fds[2], status = 1;
    char ok;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC))
        return -errno;
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid) {
        close(fds[1]);
        if (read(fds[0], &ok, 1) == 1)
            status = 0;
        _exit(status);
    }
    close(fds[0]);
    setsid();
    return fds[1];
}

static void detach(int fd)
{
    int null;

    if (fd < 0)
        return;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        close(null);
    }
    if (write(fd, "k", 1) < 0)
        log_line(LOG_NOTE, "nobody waited for the start");
    close(fd);
}

static int write_pid(const char *file)
{
    FILE *f;

    if (!file)
        return 0;
    make_parent(file);
    f = fopen(file, "we");
    if (!f)
        return -errno;
    fprintf(f, "%d\n", (int)getpid());
    return fclose(f) ? -errno : 0;
}

/* --- the store --------------------------------------------------------------
 */

static void wake(void *ctx, struct client *c)
{
    struct peer *p = client_user(c);

    (void)ctx;
    if (!p)
        return;
    server_mark(p);
    p->resume(p);
}

static void log_of_store(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    log_line(level, "%s", text);
}

static const struct store_ops store_ops = {
    .introduce = domains_introduce,
    .release = domains_release,
    .domain_exists = domains_exists,
    .wake = wake,
    .control = control_run,
    .log = log_of_store,
};

static int make_store(struct server *sv)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return -EIO;
    sv->store = store_create(&store_ops, sv, seed);
    return 0;
}

static int load_state(struct server *sv, const struct options *o)
{
    char why[5000];
    int rc;

    if (o->no_state)
        return 0;
    make_parent(o->state);
    rc = state_open(&sv->state, o->state);
    if (rc == -EBUSY)
        log_line(LOG_ERR, "%s: another pvstored keeps its state there",
                 o->state);
    else if (rc)
        log_line(LOG_ERR, "%s: %s", o->state, strerror(-rc));
    if (rc)
        return rc;
    rc = state_load(sv->state, sv->store, o->recover, why, sizeof(why));
    if (rc)
        log_line(LOG_ERR, "%s; --recover goes on from there", why);
    return rc;
}

static int listen_on(const char *path)
{
    int pid, fd;

    make_parent(path);
    fd = sock_listen(path, &pid);
    if (fd == -EADDRINUSE)
        log_line(LOG_ERR,
                 "%s: another store daemon (process %d) answers there; stop "
                 "it first",
                 path, pid);
    else if (fd < 0)
        log_line(LOG_ERR, "%s: %s", path, strerror(-fd));
    return fd;
}

static long now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* With a journal the holder has the socket; without one we do. */
static int open_sockets(struct server *sv, const struct options *o,
                        int *listener)
{
    int rc;

    if (!sv->state) {
        rc = *listener = listen_on(o->socket);
        return rc < 0 ? rc : 0;
    }
    rc = sockets_hold(sv, o->state, listen_on, o->socket);
    if (rc && rc != -EADDRINUSE)
        log_line(LOG_ERR, "the clients' connections cannot be held: %s",
                 strerror(-rc));
    return rc;
}

/* The log, where errors went to standard error so far, and the pid file. */
static int open_files(const struct options *o)
{
    int rc;

    if (o->log)
        make_parent(o->log);
    rc = log_open(o->log);
    if (rc)
        log_line(LOG_ERR, "%s: %s", o->log, strerror(-rc));
    if (rc)
        return rc;
    rc = write_pid(o->pid_file);
    if (rc)
        log_line(LOG_ERR, "%s: %s", o->pid_file, strerror(-rc));
    return rc;
}

static int serve(struct options *o, int ready)
{
    struct server sv = {.clock = -1};
    long begun_ms = now_ms(CLOCK_MONOTONIC);
    int listener = -1, rc;

    rc = make_store(&sv);
    if (rc)
        return rc;
    rc = load_state(&sv, o);
    if (rc)
        goto out;
    state_start(sv.state, sv.store);
    sv.base = server_base();
    rc = sv.base ? 0 : -ENOMEM;
    if (rc)
        goto out;
    rc = open_sockets(&sv, o, &listener);
    if (rc)
        goto out;
    rc = o->sockets_only ? 0 : domains_open(&sv);
    if (rc == -ENODEV)
        log_line(LOG_NOTE, "no hypervisor here: sockets only");
    else if (rc)
        goto out;
    rc = open_files(o);
    if (rc)
        goto out;
    log_line(LOG_NOTE,
             "pvstored %s serves %s: %zu nodes, ready in %ld ms, %ld of them "
             "of CPU time",
             PARAVANE_VERSION, o->socket, store_nr_nodes(sv.store),
             now_ms(CLOCK_MONOTONIC) - begun_ms,
             now_ms(CLOCK_PROCESS_CPUTIME_ID));
    if (o->trace)
        store_set_trace(sv.store, true);
    detach(ready);
    rc = server_run(&sv, listener);
    if (!sv.leave)
        unlink(o->socket);

out:
    /* Clients a former daemon had may wait for one that starts. */
    sv.leave = sv.leave || (sv.state && !state_is_new(sv.state));
    domains_close(&sv);
    sockets_stop(&sv);
    if (listener >= 0)
        close(listener);
    state_close(sv.state);
    store_destroy(sv.store);
    if (sv.base)
        event_base_free(sv.base);
    if (sv.update.begins)
        update_exec(&sv.update, o->argv);
    update_forget(&sv.update);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o;
    int ready = -1, rc;

    options_parse(&o, argc, argv);
    if (!o.foreground) {
        ready = go_background();
        if (ready < 0) {
            fprintf(stderr, "pvstored: %s\n", strerror(-ready));
            return 1;
        }
    }
    rc = serve(&o, ready);
    return rc ? 1 : 0;
}
