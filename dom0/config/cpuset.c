#include "dom0/config/cpuset.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void put(struct cpuset *s, unsigned cpu, bool on)
{
    if (on)
        s->bits[cpu / 8] |= (uint8_t)(1u << (cpu % 8));
    else
        s->bits[cpu / 8] &= (uint8_t) ~(1u << (cpu % 8));
}

static bool number(const char **p, unsigned *n)
{
    char *end;
    unsigned long v;

    if (!isdigit((unsigned char)**p))
        return false;
    v = strtoul(*p, &end, 10);
    *p = end;
    *n = (unsigned)v;
    return v < CPUSET_MAX;
}

static void skip_spaces(const char **p)
{
    while (isspace((unsigned char)**p))
        ++*p;
}

/* One of "3", "0-2", "^1", "all"; everything the machine has is `all`. */
static const char *item(struct cpuset *s, const char **p)
{
    unsigned first, last;
    bool on = true;

    skip_spaces(p);
    if (**p == '^') {
        on = false;
        ++*p;
    }
    if (!strncmp(*p, "all", 3)) {
        *p += 3;
        memset(s->bits, on ? 0xff : 0, sizeof(s->bits));
        return NULL;
    }
    if (!strncmp(*p, "node", 4))
        return "CPUs cannot be chosen by NUMA node yet: list them by number";
    if (!number(p, &first))
        return "expected CPU numbers such as \"0-3,^2\", or \"all\"";
    last = first;
    if (**p == '-') {
        ++*p;
        if (!number(p, &last) || last < first)
            return "a range of CPUs goes from a lower to a higher number, as "
                   "in \"0-3\"";
    }
    while (first <= last)
        put(s, first++, on);
    return NULL;
}

static bool nothing_in(const struct cpuset *s)
{
    for (unsigned i = 0; i < sizeof(s->bits); i++)
        if (s->bits[i])
            return false;
    return true;
}

const char *cpuset_parse(struct cpuset *s, const char *text)
{
    const char *p = text, *why;

    memset(s, 0, sizeof(*s));
    if (!strcmp(text, "all")) {
        s->all = true;
        return NULL;
    }
    do {
        why = item(s, &p);
        if (why)
            return why;
        skip_spaces(&p);
    } while (*p++ == ',');
    if (p[-1])
        return "expected CPU numbers such as \"0-3,^2\", or \"all\"";
    return nothing_in(s) ? "this leaves no CPU to run on" : NULL;
}
