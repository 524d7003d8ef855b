#include "xenstore/daemon/control.h"
#include "xenstore/core/mem.h"
#include "xenstore/daemon/log.h"
#include "xenstore/daemon/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX 64

/* A command's arguments, of which each ends with a NUL. */
struct args {
    const char *at, *end;
};

static const char *next(struct args *a)
{
    const char *s = a->at;

    if (s == a->end)
        return NULL;
    a->at += strlen(s) + 1;
    return s;
}

static void say(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

/* Exactly one argument more, or NULL. */
static const char *only(struct args *a)
{
    const char *s = next(a);

    return s && a->at == a->end ? s : NULL;
}

static int set_log_file(struct args *a, struct buf *out)
{
    const char *file = only(a);
    int rc = file ? log_open(file) : 0;

    if (!file)
        return -EINVAL;
    if (rc)
        say(out, strerror(-rc));
    return 0;
}

/* --- live update ------------------------------------------------------------
 */

static int set_file(struct update *u, const char *file, struct buf *out)
{
    if (file[0] != '/' || access(file, X_OK)) {
        say(out, file[0] == '/' ? strerror(errno) : "the path must be whole");
        return 0;
    }
    free(u->file);
    u->file = mem_strdup(file);
    return 0;
}

static int set_options(struct update *u, const char *options)
{
    free(u->options);
    u->options = mem_strdup(options);
    return 0;
}

/* -t and -F are about transactions to wait for: ours go on. */
static int begin(struct server *sv, struct args *a, struct buf *out)
{
    const char *s;

    while ((s = next(a)))
        if (strcmp(s, "-F") && (strcmp(s, "-t") || !next(a)))
            return -EINVAL;
    if (!sv->update.file || !sv->held) {
        say(out, sv->held ? "no program was named" : "there is no journal");
        return 0;
    }
    log_line(LOG_NOTE, "making room for %s", sv->update.file);
    sv->update.begins = sv->leave = true;
    event_base_loopbreak(sv->base);
    return 0;
}

static int live_update(struct server *sv, struct args *a, struct buf *out)
{
    const char *what = next(a), *arg;

    if (!what)
        return -EINVAL;
    if (!strcmp(what, "-s"))
        return begin(sv, a, out);
    if (!strcmp(what, "-a")) {
        update_forget(&sv->update);
        return 0;
    }
    arg = only(a);
    if (arg && !strcmp(what, "-f"))
        return set_file(&sv->update, arg, out);
    if (arg && !strcmp(what, "-c"))
        return set_options(&sv->update, arg);
    return -EINVAL;
}

void update_forget(struct update *u)
{
    free(u->file);
    free(u->options);
    memset(u, 0, sizeof(*u));
}

void update_exec(const struct update *u, char **argv)
{
    char *own[OPTIONS_MAX + 2] = {u->file}, *rest = u->options;
    size_t nr = 1;

    while (rest && nr <= OPTIONS_MAX) {
        own[nr] = strsep(&rest, " ");
        nr += *own[nr] != '\0';
    }
    own[nr] = NULL;
    execv(u->file, u->options ? own : argv);
    log_line(LOG_ERR, "%s does not start: %s; going on as before", u->file,
             strerror(errno));
    execv("/proc/self/exe", argv);
    log_line(LOG_ERR, "nor does this program again: %s", strerror(errno));
}

static int help(struct buf *out)
{
    say(out, "\tlive-update -f <file> | -c <options> | -a | -s\n"
             "\tlogfile <file>\n");
    return 0;
}

int control_run(void *ctx, struct client *c, const char *args, size_t len,
                struct buf *out)
{
    struct args a = {args, args + len};
    const char *name = next(&a);

    (void)c;
    if (!name)
        return -EINVAL;
    if (!strcmp(name, "help"))
        return help(out);
    if (!strcmp(name, "logfile"))
        return set_log_file(&a, out);
    if (!strcmp(name, "live-update"))
        return live_update(ctx, &a, out);
    return -EINVAL;
}
