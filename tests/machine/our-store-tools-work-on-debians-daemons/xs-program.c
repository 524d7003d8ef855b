/*
 * A program as people write them against <xenstore.h>: it tries each call and
 * says what differs from the manual. It is compiled with Debian's header and
 * linked with our library, and by OURS with our header; any daemon will do.
 *
 *     xs-program [no-parts]    no-parts: oxenstored, which sends a long list in
 *                              one message that no client takes
 */
#ifdef OURS
#include "xenstore/client/xs.h"
#else
#include <xenstore.h>
#endif

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct xs_handle *h;
static int wrong;

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    printf("wrong: %s (%s)\n", what, strerror(errno));
    wrong = 1;
}

#define EXPECT(what) expect(what, #what)

static bool reads(xs_transaction_t t, const char *path, const char *want)
{
    unsigned int len = 0;
    char *value = xs_read(h, t, path, &len);
    bool same = value && len == strlen(want) && !strcmp(value, want);

    free(value);
    return same;
}

static bool fails(const char *path, int error)
{
    unsigned int len;
    char *value = xs_read(h, XBT_NULL, path, &len);

    free(value);
    return !value && errno == error;
}

static void nodes(void)
{
    unsigned int nr = 0;
    char **names;

    EXPECT(xs_write(h, XBT_NULL, "/xp/a", "one", 3));
    EXPECT(reads(XBT_NULL, "/xp/a", "one"));
    EXPECT(xs_write(h, XBT_NULL, "/xp/a", "", 0));
    EXPECT(reads(XBT_NULL, "/xp/a", ""));
    EXPECT(xs_mkdir(h, XBT_NULL, "/xp/b"));
    EXPECT(xs_mkdir(h, XBT_NULL, "/xp/b"));
    names = xs_directory(h, XBT_NULL, "/xp", &nr);
    EXPECT(names && nr == 2);
    free(names);
    EXPECT(xs_rm(h, XBT_NULL, "/xp/b"));
    EXPECT(xs_rm(h, XBT_NULL, "/xp/b")); /* gone is gone */
    EXPECT(fails("/xp/b", ENOENT));
    EXPECT(fails("/xp/b b", EINVAL));
    EXPECT(!xs_rm(h, XBT_NULL, "/nowhere/at/all") && errno == ENOENT);
}

static void long_lists(bool parts)
{
    unsigned int nr = 0, i;
    char path[64], **names;

    for (i = 0; i < 600; i++) {
        snprintf(path, sizeof(path), "/xp/many/a-long-name-%u", i);
        EXPECT(xs_write(h, XBT_NULL, path, "", 0));
    }
    names = parts ? xs_directory(h, XBT_NULL, "/xp/many", &nr) : NULL;
    EXPECT(!parts || (names && nr == 600));
    free(names);
}

static void permissions(void)
{
    struct xs_permissions set[2] = {{0, XS_PERM_NONE},
                                    {7, XS_PERM_READ | XS_PERM_WRITE}};
    struct xs_permissions *got;
    unsigned int nr = 0;

    EXPECT(xs_set_permissions(h, XBT_NULL, "/xp/a", set, 2));
    got = xs_get_permissions(h, XBT_NULL, "/xp/a", &nr);
    EXPECT(got && nr == 2 && got[1].id == 7 &&
           got[1].perms == (XS_PERM_READ | XS_PERM_WRITE) && got[0].id == 0);
    free(got);
}

static bool hears(const char *path)
{
    struct pollfd p = {.fd = xs_fileno(h), .events = POLLIN};
    unsigned int nr;
    char **event;
    bool same;

    if (poll(&p, 1, 5000) != 1)
        return false;
    event = xs_read_watch(h, &nr);
    same = event && nr == 2 && !strcmp(event[XS_WATCH_PATH], path) &&
           !strcmp(event[XS_WATCH_TOKEN], "token");
    free(event);
    return same;
}

static void watches(void)
{
    EXPECT(xs_watch(h, "/xp/w", "token"));
    EXPECT(hears("/xp/w"));
    EXPECT(!xs_check_watch(h) && errno == EAGAIN);
    EXPECT(xs_write(h, XBT_NULL, "/xp/w/below", "1", 1));
    EXPECT(hears("/xp/w/below"));
    EXPECT(!xs_watch(h, "/xp/w", "token") && errno == EEXIST);
    EXPECT(xs_unwatch(h, "/xp/w", "token"));
    EXPECT(!xs_unwatch(h, "/xp/w", "token") && errno == ENOENT);
}

static void transactions(void)
{
    xs_transaction_t t = xs_transaction_start(h), u;

    EXPECT(t != XBT_NULL);
    EXPECT(xs_write(h, t, "/xp/t", "1", 1));
    EXPECT(reads(t, "/xp/t", "1"));
    EXPECT(fails("/xp/t", ENOENT));
    EXPECT(xs_transaction_end(h, t, false));
    EXPECT(reads(XBT_NULL, "/xp/t", "1"));
    t = xs_transaction_start(h);
    EXPECT(xs_rm(h, t, "/xp/t"));
    EXPECT(xs_transaction_end(h, t, true));
    EXPECT(reads(XBT_NULL, "/xp/t", "1"));
    u = xs_transaction_start(h);
    EXPECT(reads(u, "/xp/t", "1"));
    EXPECT(xs_write(h, XBT_NULL, "/xp/t", "2", 1));
    EXPECT(xs_write(h, u, "/xp/t", "3", 1));
    EXPECT(!xs_transaction_end(h, u, false) && errno == EAGAIN);
    EXPECT(reads(XBT_NULL, "/xp/t", "2"));
}

static void the_rest(void)
{
    char *path = xs_get_domain_path(h, 5);

    EXPECT(path && !strcmp(path, "/local/domain/5"));
    free(path);
    EXPECT(!xs_is_domain_introduced(h, 5555));
    EXPECT(xs_path_is_subpath("/a", "/a/b") &&
           !xs_path_is_subpath("/a", "/ab"));
    EXPECT(!xs_restrict(h, 1));
}

int main(int argc, char **argv)
{
    bool parts = argc < 2 || strcmp(argv[1], "no-parts");

    alarm(60);
    h = xs_open(0);
    if (!h) {
        perror("xs_open");
        return 1;
    }
    nodes();
    long_lists(parts);
    permissions();
    watches();
    transactions();
    the_rest();
    EXPECT(xs_rm(h, XBT_NULL, "/xp"));
    xs_close(h);
    return wrong;
}
