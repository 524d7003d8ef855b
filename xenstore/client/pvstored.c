#include "xenstore/client/pvstored.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hand on the lines of one part, with *next behind the last one's id. 1: that
 * was the end, 0: there is more, or -EINVAL: this is no listing. */
static int each_line_of(char *text, uint64_t *next, xs_line_fn *fn, void *arg)
{
    uint64_t first = *next;
    char *line;

    while ((line = strsep(&text, "\n")) && *line) {
        if (!strcmp(line, "end"))
            return 1;
        if (*line < '0' || *line > '9')
            return -EINVAL;
        *next = strtoull(line, NULL, 10) + 1;
        fn(line, arg);
    }
    return *next > first ? 0 : -EINVAL;
}

bool xs_each_line(struct xs_handle *h, const char *listing, xs_line_fn *fn,
                  void *arg)
{
    char first[24], *text;
    uint64_t next = 0;
    int rc = 0;

    while (!rc) {
        snprintf(first, sizeof(first), "%" PRIu64, next);
        text = xs_control_command(h, listing, first,
                                  (unsigned int)strlen(first) + 1);
        if (!text)
            return false;
        rc = each_line_of(text, &next, fn, arg);
        free(text);
    }
    if (rc < 0)
        errno = -rc; /* another daemon, which says "OK" to everything */
    return rc > 0;
}

struct quota_reader {
    xs_quota_fn *fn;
    void *arg;
};

static void read_quotas(char *line, void *arg)
{
    const struct quota_reader *r = arg;
    struct xs_quota q = {0};
    char *rest = line, *word, *eq;

    q.domid = (unsigned int)strtoul(strsep(&rest, " "), NULL, 10);
    while ((word = strsep(&rest, " "))) {
        eq = strchr(word, '=');
        if (!eq || sscanf(eq + 1, "%lld/%lld/%lld", &q.used, &q.limit,
                          &q.refused) != 3)
            continue;
        *eq = '\0';
        q.name = word;
        r->fn(&q, r->arg);
    }
}

bool xs_each_quota(struct xs_handle *h, xs_quota_fn *fn, void *arg)
{
    struct quota_reader r = {fn, arg};

    return xs_each_line(h, "domains", read_quotas, &r);
}
