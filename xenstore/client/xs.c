/* The library's calls: each packs a request and unpacks its reply. */
#include "xenstore/client/xs.h"
#include "xenstore/client/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct xs_handle *xs_open(unsigned long flags)
{
    struct xs_handle *h = calloc(1, sizeof(*h));
    int rc;

    if (!h)
        return NULL;
    h->flags = flags;
    h->events_end = &h->events;
    rc = xs_connect(h);
    if (rc) {
        xs_close(h);
        errno = -rc;
        return NULL;
    }
    return h;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void xs_close(struct xs_handle *h)
{
    if (!h)
        return;
    xs_drop_events(h);
    close_fd(h->poll_fd);
    close_fd(h->wake_fd);
    close_fd(h->fd);
    free(h);
}

struct xs_handle *xs_daemon_open(void)
{
    return xs_open(0);
}

struct xs_handle *xs_daemon_open_readonly(void)
{
    return xs_open(0);
}

struct xs_handle *xs_domain_open(void)
{
    return xs_open(0);
}

void xs_daemon_close(struct xs_handle *h)
{
    xs_close(h);
}

/* Nothing of ours is shared with the parent but descriptors. */
void xs_daemon_destroy_postfork(struct xs_handle *h)
{
    xs_close(h);
}

/* --- requests ---------------------------------------------------------------
 */

static void *call_path(struct xs_handle *h, xs_transaction_t t, uint32_t type,
                       const char *path, unsigned int *len)
{
    struct xs_request req = {
        .type = type,
        .tx = t,
        .part = {{(void *)path, strlen(path) + 1}},
        .nr_parts = 1,
    };

    return xs_talk(h, &req, len);
}

static bool done(void *reply)
{
    free(reply);
    return reply != NULL;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
              unsigned int *len)
{
    return call_path(h, t, XS_READ, path, len);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
              const void *data, unsigned int len)
{
    struct xs_request req = {
        .type = XS_WRITE,
        .tx = t,
        .part = {{(void *)path, strlen(path) + 1}, {(void *)data, len}},
        .nr_parts = len ? 2 : 1,
    };

    return done(xs_talk(h, &req, NULL));
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    return done(call_path(h, t, XS_MKDIR, path, NULL));
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    return done(call_path(h, t, XS_RM, path, NULL));
}

bool xs_restrict(struct xs_handle *h, unsigned int domid)
{
    (void)h;
    (void)domid;
    errno = ENOSYS;
    return false;
}

/* --- directories ------------------------------------------------------------
 */

/* "a\0b\0" as one block: the pointers, then the strings. */
static char **string_block(const char *strings, unsigned int len,
                           unsigned int *num)
{
    unsigned int count = 0, i;
    char **block, *s;

    for (i = 0; i < len; i++)
        count += strings[i] == '\0';
    block = malloc((count + 1) * sizeof(*block) + len);
    if (!block)
        return NULL;
    s = (char *)(block + count + 1);
    if (len)
        memcpy(s, strings, len);
    for (i = 0; i < count; i++) {
        block[i] = s;
        s += strlen(s) + 1;
    }
    block[count] = NULL;
    *num = count;
    return block;
}

/* A growing list of names, and the generation its parts must all have. */
struct listing {
    char *names;
    size_t len;
    char gen[24];
    bool end;
};

/* Add a part's names; false when the directory has changed since the first. */
static bool listing_add(struct listing *l, const char *part, unsigned int len)
{
    size_t gen_len = strnlen(part, len) + 1, names_len;
    char *grown;

    if (gen_len > len || gen_len > sizeof(l->gen))
        return false;
    if (!l->len)
        memcpy(l->gen, part, gen_len);
    else if (strcmp(l->gen, part))
        return false;

    names_len = len - gen_len;
    /* An empty name closes the list. */
    l->end = names_len && !part[len - 1] && (names_len == 1 || !part[len - 2]);
    names_len -= l->end;
    grown = realloc(l->names, l->len + names_len + 1);
    if (!grown)
        return false;
    memcpy(grown + l->len, part + gen_len, names_len);
    l->names = grown;
    l->len += names_len;
    return true;
}

static void *call_part(struct xs_handle *h, xs_transaction_t t,
                       const char *path, size_t offset, unsigned int *len)
{
    char text[24];
    struct xs_request req = {
        .type = XS_DIRECTORY_PART,
        .tx = t,
        .part = {{(void *)path, strlen(path) + 1}, {text, 0}},
        .nr_parts = 2,
    };

    req.part[1].iov_len =
        (size_t)snprintf(text, sizeof(text), "%zu", offset) + 1;
    return xs_talk(h, &req, len);
}

/* The listing by parts; -EAGAIN when it changed underneath. */
static int list_parts(struct xs_handle *h, xs_transaction_t t, const char *path,
                      struct listing *l)
{
    unsigned int len;
    bool good;
    char *part;

    while (!l->end) {
        part = call_part(h, t, path, l->len, &len);
        if (!part)
            return errno == ENOSYS ? -E2BIG : -errno;
        good = listing_add(l, part, len);
        free(part);
        if (!good)
            return -EAGAIN;
    }
    return 0;
}

static char **directory_by_parts(struct xs_handle *h, xs_transaction_t t,
                                 const char *path, unsigned int *num)
{
    char **block = NULL;
    struct listing l;
    int rc;

    do {
        memset(&l, 0, sizeof(l));
        rc = list_parts(h, t, path, &l);
        if (!rc)
            block = string_block(l.names, (unsigned int)l.len, num);
        free(l.names);
    } while (rc == -EAGAIN);
    if (rc)
        errno = -rc;
    return block;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
                    unsigned int *num)
{
    unsigned int len;
    char *strings = call_path(h, t, XS_DIRECTORY, path, &len);
    char **block;

    if (!strings && errno == E2BIG)
        return directory_by_parts(h, t, path, num);
    if (!strings)
        return NULL;
    block = string_block(strings, len, num);
    free(strings);
    return block;
}

/* --- permissions ------------------------------------------------------------
 */

static bool letter_to_perms(char letter, unsigned int *perms)
{
    switch (letter) {
    case 'n':
        *perms = XS_PERM_NONE;
        return true;
    case 'r':
        *perms = XS_PERM_READ;
        return true;
    case 'w':
        *perms = XS_PERM_WRITE;
        return true;
    case 'b':
        *perms = XS_PERM_READ | XS_PERM_WRITE;
        return true;
    }
    return false;
}

bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num,
                         const char *strings)
{
    unsigned int i;
    char *end;

    for (i = 0; i < num; i++) {
        errno = EINVAL;
        if (!letter_to_perms(*strings, &perms[i].perms))
            return false;
        perms[i].id = (unsigned int)strtoul(strings + 1, &end, 0);
        if (*end || end == strings + 1)
            return false;
        strings = end + 1;
    }
    return true;
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h,
                                          xs_transaction_t t, const char *path,
                                          unsigned int *num)
{
    unsigned int len, count = 0, i;
    char *strings = call_path(h, t, XS_GET_PERMS, path, &len);
    struct xs_permissions *perms;

    if (!strings)
        return NULL;
    for (i = 0; i < len; i++)
        count += strings[i] == '\0';
    perms = calloc(count + 1, sizeof(*perms));
    if (perms && !xs_strings_to_perms(perms, count, strings)) {
        free(perms);
        perms = NULL;
        errno = EIO;
    }
    free(strings);
    *num = count;
    return perms;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
                        const char *path, struct xs_permissions *perms,
                        unsigned int num_perms)
{
    char text[XENSTORE_PAYLOAD_MAX];
    struct xs_request req = {
        .type = XS_SET_PERMS,
        .tx = t,
        .part = {{(void *)path, strlen(path) + 1}, {text, 0}},
        .nr_parts = 2,
    };
    size_t len = 0;
    unsigned int i;

    for (i = 0; i < num_perms; i++) {
        if (perms[i].perms > (XS_PERM_READ | XS_PERM_WRITE)) {
            errno = EINVAL;
            return false;
        }
        if (sizeof(text) - len < 16) {
            errno = E2BIG;
            return false;
        }
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%c%u",
                                "nrwb"[perms[i].perms], perms[i].id) +
               1;
    }
    req.part[1].iov_len = len;
    return done(xs_talk(h, &req, NULL));
}

/* --- transactions and domains -----------------------------------------------
 */

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    char *id = call_path(h, XBT_NULL, XS_TRANSACTION_START, "", NULL);
    xs_transaction_t t;

    if (!id)
        return XBT_NULL;
    t = (xs_transaction_t)strtoul(id, NULL, 10);
    free(id);
    return t;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
    return done(call_path(h, t, XS_TRANSACTION_END, abort ? "F" : "T", NULL));
}

static char *call_domid(struct xs_handle *h, uint32_t type, unsigned int domid)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", domid);
    return call_path(h, XBT_NULL, type, text, NULL);
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
                         unsigned long mfn, unsigned int eventchn)
{
    char id[16], frame[24], port[16];
    struct xs_request req = {
        .type = XS_INTRODUCE,
        .part = {{id, 0}, {frame, 0}, {port, 0}},
        .nr_parts = 3,
    };

    req.part[0].iov_len = (size_t)snprintf(id, sizeof(id), "%u", domid) + 1;
    req.part[1].iov_len =
        (size_t)snprintf(frame, sizeof(frame), "%lu", mfn) + 1;
    req.part[2].iov_len =
        (size_t)snprintf(port, sizeof(port), "%u", eventchn) + 1;
    return done(xs_talk(h, &req, NULL));
}

bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target)
{
    char id[16], to[16];
    struct xs_request req = {
        .type = XS_SET_TARGET,
        .part = {{id, 0}, {to, 0}},
        .nr_parts = 2,
    };

    req.part[0].iov_len = (size_t)snprintf(id, sizeof(id), "%u", domid) + 1;
    req.part[1].iov_len = (size_t)snprintf(to, sizeof(to), "%u", target) + 1;
    return done(xs_talk(h, &req, NULL));
}

bool xs_resume_domain(struct xs_handle *h, unsigned int domid)
{
    return done(call_domid(h, XS_RESUME, domid));
}

bool xs_release_domain(struct xs_handle *h, unsigned int domid)
{
    return done(call_domid(h, XS_RELEASE, domid));
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
    char *reply = call_domid(h, XS_IS_DOMAIN_INTRODUCED, domid);
    bool yes = reply && !strcmp(reply, "T");

    free(reply);
    return yes;
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid)
{
    return call_domid(h, XS_GET_DOMAIN_PATH, domid);
}

char *xs_control_command(struct xs_handle *h, const char *cmd, void *data,
                         unsigned int len)
{
    struct xs_request req = {
        .type = XS_CONTROL,
        .part = {{(void *)cmd, strlen(cmd) + 1}, {data, len}},
        .nr_parts = len ? 2 : 1,
    };

    return xs_talk(h, &req, NULL);
}

char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data,
                       unsigned int len)
{
    return xs_control_command(h, cmd, data, len);
}

/* --- helpers ----------------------------------------------------------------
 */

bool xs_path_is_subpath(const char *parent, const char *child)
{
    size_t len = strlen(parent);

    if (!strcmp(parent, "/"))
        return *child == '/';
    return !strncmp(parent, child, len) &&
           (child[len] == '\0' || child[len] == '/');
}

int xs_suspend_evtchn_port(int domid)
{
    struct xs_handle *h = xs_open(0);
    char path[64], *text;
    int port = -1;

    if (!h)
        return -1;
    snprintf(path, sizeof(path),
             "/local/domain/%d/device/suspend/event-channel", domid);
    text = xs_read(h, XBT_NULL, path, NULL);
    if (text && *text)
        port = atoi(text);
    free(text);
    xs_close(h);
    return port;
}

bool xs_write_all(int fd, const void *data, unsigned int len)
{
    const char *p = data;
    ssize_t n;

    while (len) {
        n = write(fd, p, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (unsigned int)n;
    }
    return true;
}
