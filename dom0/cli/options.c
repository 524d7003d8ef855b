#include "dom0/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct opt *by_name(const struct opt *o, const char *name,
                                 size_t len)
{
    for (; o->name; o++)
        if (strlen(o->name) == len && !memcmp(o->name, name, len))
            return o;
    return NULL;
}

static const struct opt *by_letter(const struct opt *o, char letter)
{
    for (; o->name; o++)
        if (letter && o->letter == letter)
            return o;
    return NULL;
}

static int mistake(const char *what, const char *which)
{
    say_error("%s \"%s\"; see pvn %s --help", what, which, current_verb->name);
    return -1;
}

/* Take the value of `o` from behind '=' or from the next argument. Returns how
 * many further arguments were used up, -1 on a mistake. */
static int take_value(const struct opt *o, const char *text, const char *inl,
                      const char *next)
{
    if (o->flag)
        *o->flag = true;
    if (!o->value)
        return inl ? mistake("no value goes with", text) : 0;
    if (inl) {
        *o->value = inl;
        return 0;
    }
    if (!next)
        return mistake("a value is missing after", text);
    *o->value = next;
    return 1;
}

static int take_long(const struct opt *opts, const char *arg, const char *next)
{
    const char *name = arg + 2, *eq = strchr(name, '=');
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    const struct opt *o = by_name(opts, name, len);

    if (!strcmp(name, "help")) {
        verb_help(current_verb);
        exit(EXIT_OK);
    }
    if (!o)
        return mistake("unknown option", arg);
    return take_value(o, arg, eq ? eq + 1 : NULL, next);
}

static int take_short(const struct opt *opts, const char *arg, const char *next)
{
    const char *p;

    for (p = arg + 1; *p; p++) {
        const struct opt *o = by_letter(opts, *p);

        if (!o)
            return mistake("unknown option", arg);
        if (o->value)
            return take_value(o, arg, p[1] ? p + 1 : NULL, next);
        take_value(o, arg, NULL, NULL);
    }
    return 0;
}

int options_take(const struct opt *opts, int argc, char **argv,
                 const char **args, int min, int max)
{
    bool ended = false;
    int i, nr = 0, used;

    for (i = 1; i < argc; i++) {
        const char *arg = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;

        if (ended || arg[0] != '-' || !arg[1]) {
            if (nr == max)
                return mistake("one argument too many:", arg);
            args[nr++] = arg;
            continue;
        }
        if (!strcmp(arg, "--")) {
            ended = true;
            continue;
        }
        used = arg[1] == '-' ? take_long(opts, arg, next)
                             : take_short(opts, arg, next);
        if (used < 0)
            return -1;
        i += used;
    }
    if (nr < min) {
        say_error("usage: pvn %s %s", current_verb->name,
                  current_verb->arguments);
        return -1;
    }
    return nr;
}

long parse_number(const char *text, long min, long max)
{
    char *end;
    long n = strtol(text, &end, 10);

    return end == text || *end || n < min || n > max ? -1 : n;
}

long long parse_size_kib(const char *text)
{
    char *end;
    long long n, unit = 1024;

    if (!isdigit((unsigned char)*text))
        return -1;
    errno = 0;
    n = strtoll(text, &end, 10);
    switch (tolower((unsigned char)*end)) {
    case 'k':
        unit = 1;
        end++;
        break;
    case 'm':
        end++;
        break;
    case 'g':
        unit = 1024 * 1024;
        end++;
        break;
    case 't':
        unit = 1024LL * 1024 * 1024;
        end++;
        break;
    }
    if (*end || errno || n > (1LL << 40) / unit)
        return -1;
    return n * unit;
}
