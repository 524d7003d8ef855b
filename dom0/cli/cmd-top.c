/* Two listings and what lies between them. */
#include "dom0/cli/cli.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct view {
    double delay_s;
    long count; /* looks still to show; -1: until told to end */
    bool json, terminal;
    struct termios before;
};

static const json_t *same_guest(const json_t *guests, const json_t *g)
{
    const json_t *o;
    size_t i;

    json_array_foreach(guests, i, o)
    {
        if (json_equal(json_object_get(o, "domid"),
                       json_object_get(g, "domid")) &&
            !strcmp(get_string(o, "uuid"), get_string(g, "uuid")))
            return o;
    }
    return NULL;
}

/* Share of one processor since the look before, in percent. */
static double usage(const json_t *before, const json_t *g, double ns)
{
    const json_t *o = same_guest(json_object_get(before, "guests"), g);

    if (!o || ns <= 0)
        return 0;
    return (double)(get_int(g, "cpu_ns") - get_int(o, "cpu_ns")) * 100 / ns;
}

static int by_usage(const void *a, const void *b)
{
    double x = json_real_value(json_object_get(*(json_t *const *)a, "cpu")),
           y = json_real_value(json_object_get(*(json_t *const *)b, "cpu"));

    return x < y ? 1 : x > y ? -1 : 0;
}

/* The guests of `now` with their usage, busiest first. */
static json_t *sorted(const json_t *before, const json_t *now)
{
    json_t *guests = json_object_get(now, "guests"), *list = json_array(), *g;
    double ns = (double)(get_int(now, "now_ns") - get_int(before, "now_ns"));
    size_t i, n = json_array_size(guests);
    json_t **order = calloc(n + 1, sizeof(json_t *));

    for (i = 0; order && i < n; i++) {
        g = json_array_get(guests, i);
        json_object_set_new(g, "cpu", json_real(usage(before, g, ns)));
        order[i] = g;
    }
    if (order)
        qsort(order, n, sizeof(*order), by_usage);
    for (i = 0; order && i < n; i++)
        json_array_append(list, order[i]);
    free(order);
    return list;
}

static void show(const struct view *v, json_t *list)
{
    json_t *g;
    size_t i;

    if (v->json) {
        json_dumpf(list, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        return;
    }
    if (v->terminal)
        fputs("\033[H\033[2J", stdout);
    printf("%-24s %5s  %-10s %7s %10s %9s %9s %5s\n", "Name", "ID", "State",
           "CPU(%)", "Time(s)", "Mem(MiB)", "Max(MiB)", "VCPUs");
    json_array_foreach(list, i, g) printf(
        "%-24s %5lld  %-10s %7.1f %10.1f %9lld %9lld %5lld\n",
        get_string(g, "name"), (long long)get_int(g, "domid"),
        get_string(g, "state"), json_real_value(json_object_get(g, "cpu")),
        (double)get_int(g, "cpu_ns") / 1e9,
        (long long)get_int(g, "memory_kib") / 1024,
        /* domain 0 has no limit unless it was given one */
        get_int(g, "max_kib") > (1LL << 40)
            ? 0LL
            : (long long)get_int(g, "max_kib") / 1024,
        (long long)get_int(g, "vcpus"));
    fflush(stdout);
}

/* False when the user has had enough. */
static bool pause_between(const struct view *v)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    char c;

    if (!v->terminal) {
        usleep((useconds_t)(v->delay_s * 1e6));
        return true;
    }
    if (poll(&p, 1, (int)(v->delay_s * 1000)) > 0)
        return read(STDIN_FILENO, &c, 1) == 1 && c != 'q' && c != 3;
    return true;
}

static int look_again(struct view *v)
{
    json_t *before = NULL, *now, *list;
    int status = client_call("list", NULL, &before);

    while (!status && v->count) {
        if (!pause_between(v))
            break;
        status = client_call("list", NULL, &now);
        if (status)
            break;
        list = sorted(before, now);
        show(v, list);
        json_decref(list);
        json_decref(before);
        before = now;
        if (v->count > 0)
            v->count--;
    }
    json_decref(before);
    return status;
}

int cmd_top(int argc, char **argv)
{
    const char *delay = "2", *count = NULL;
    struct view v = {.count = -1};
    const struct opt opts[] = {{"delay", 'd', NULL, &delay},
                               {"count", 'n', NULL, &count},
                               {"json", 0, &v.json, NULL},
                               {0}};
    struct termios raw;
    int status;

    if (options_take(opts, argc, argv, NULL, 0, 0) < 0)
        return EXIT_USAGE;
    v.delay_s = atof(delay);
    if (count)
        v.count = atol(count);
    if (v.delay_s < 0.1 || v.delay_s > 3600 || (count && v.count < 1)) {
        say_error("a delay is 0.1 to 3600 seconds, a count at least 1");
        return EXIT_USAGE;
    }
    v.terminal = !v.json && !count && isatty(STDIN_FILENO) &&
                 isatty(STDOUT_FILENO) && !tcgetattr(STDIN_FILENO, &v.before);
    if (v.terminal) {
        raw = v.before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    status = look_again(&v);
    if (v.terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &v.before);
    return status;
}
