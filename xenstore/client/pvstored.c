#include "xenstore/client/pvstored.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool xs_each_line(struct xs_handle *h, const char *listing, xs_line_fn *fn,
                  void *arg)
{
    char first[24] = "0", *text, *line, *next;
    bool end = false;

    while (!end) {
        text = xs_control_command(h, listing, first,
                                  (unsigned int)strlen(first) + 1);
        if (!text)
            return false;
        next = text;
        /* A part without a line would be followed by itself for good. */
        end = *text < '0' || *text > '9';
        while ((line = strsep(&next, "\n")) && *line) {
            end = end || !strcmp(line, "end");
            if (end)
                break;
            snprintf(first, sizeof(first), "%" PRIu64,
                     (uint64_t)strtoull(line, NULL, 10) + 1);
            fn(line, arg);
        }
        end = end || !line;
        free(text);
    }
    return true;
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
