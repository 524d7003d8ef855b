#include "dom0/cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void line(const char *name, const char *value)
{
    if (*value)
        printf("%-14s %s\n", name, value);
}

static void number(const char *name, long long n, const char *unit)
{
    printf("%-14s %lld%s%s\n", name, n, *unit ? " " : "", unit);
}

static void when(const char *name, json_int_t seconds)
{
    time_t t = (time_t)seconds;
    char text[64];
    struct tm tm;

    if (seconds && localtime_r(&t, &tm) &&
        strftime(text, sizeof(text), "%F %T", &tm))
        line(name, text);
}

static void print_limit(const json_t *disk, const char *name, const char *unit)
{
    if (get_int(disk, name) > 0)
        printf(", %lld %s", (long long)get_int(disk, name), unit);
}

/* What the backend has counted of each ring. */
static void print_latency(const json_t *device)
{
    const json_t *l;
    size_t i;

    json_array_foreach(json_object_get(device, "latency"), i, l)
    {
        if (!get_int(l, "answers"))
            continue;
        printf("%-14s ring %lld%s%s: %lld answers, half below %lld us, 99 %% "
               "below %lld us, the slowest %lld us\n",
               "", (long long)get_int(l, "ring"),
               *get_string(l, "way") ? " " : "", get_string(l, "way"),
               (long long)get_int(l, "answers"),
               (long long)get_int(l, "p50_us"), (long long)get_int(l, "p99_us"),
               (long long)get_int(l, "max_us"));
    }
}

static void print_devices(const json_t *o)
{
    const json_t *d;
    size_t i;

    json_array_foreach(json_object_get(o, "disks"), i, d)
    {
        printf("%-14s %s %s, %s, %s, %s", "disk", get_string(d, "vdev"),
               *get_string(d, "path") ? get_string(d, "path") : "(no medium)",
               get_string(d, "format"),
               json_is_true(json_object_get(d, "writable")) ? "read-write"
                                                            : "read-only",
               get_string(d, "state"));
        print_limit(d, "limit_bytes", "bytes/s");
        print_limit(d, "limit_requests", "requests/s");
        putchar('\n');
        print_latency(d);
    }
    json_array_foreach(json_object_get(o, "nics"), i, d)
    {
        printf("%-14s %lld %s on %s, %s\n", "network card",
               (long long)get_int(d, "devid"), get_string(d, "mac"),
               get_string(d, "bridge"), get_string(d, "state"));
        print_latency(d);
    }
}

static void print_guest(const json_t *o)
{
    line("name", get_string(o, "name"));
    number("domain", get_int(o, "domid"), "");
    line("uuid", get_string(o, "uuid"));
    line("state", get_string(o, "state"));
    line("ended", get_string(o, "ended"));
    line("doing", get_string(o, "busy"));
    line("type", get_string(o, "type"));
    number("memory", get_int(o, "memory_kib") / 1024, "MiB");
    number("target", get_int(o, "target_kib") / 1024, "MiB");
    printf("%-14s %lld of %lld\n", "vcpus", (long long)get_int(o, "vcpus"),
           (long long)get_int(o, "max_vcpus"));
    printf("%-14s %.1f s\n", "cpu time", (double)get_int(o, "cpu_ns") / 1e9);
    when("started", get_int(o, "started"));
    line("configuration", get_string(o, "source"));
    line("kernel", get_string(o, "kernel"));
    line("ramdisk", get_string(o, "ramdisk"));
    line("command line", get_string(o, "cmdline"));
    line("on poweroff", get_string(o, "on_poweroff"));
    line("on reboot", get_string(o, "on_reboot"));
    line("on crash", get_string(o, "on_crash"));
    print_devices(o);
    if (!strcmp(get_string(o, "state"), "crashed") ||
        !strcmp(get_string(o, "state"), "shutdown"))
        print_dead(get_string(o, "name"));
}

static void print_host(const json_t *o)
{
    const json_t *d;
    size_t i;

    line("host", get_string(o, "host"));
    line("hypervisor", get_string(o, "hypervisor"));
    line("changeset", get_string(o, "changeset"));
    line("command line", get_string(o, "commandline"));
    line("runs", get_string(o, "caps"));
    number("processors", get_int(o, "cpus"), "");
    number("speed", get_int(o, "cpu_khz") / 1000, "MHz");
    number("memory", get_int(o, "memory_kib") / 1024, "MiB");
    number("free", get_int(o, "free_kib") / 1024, "MiB");
    json_array_foreach(json_object_get(o, "daemons"), i, d) printf(
        "%-14s %s: pid %lld, up %lld s, restarts %lld\n", "daemon",
        get_string(d, "name"), (long long)get_int(d, "pid"),
        (long long)get_int(d, "up_seconds"), (long long)get_int(d, "restarts"));
}

int cmd_info(int argc, char **argv)
{
    bool json = false;
    const struct opt opts[] = {{"json", 0, &json, NULL}, {0}};
    const char *guest = NULL;
    json_t *o = NULL;
    int status;

    if (options_take(opts, argc, argv, &guest, 0, 1) < 0)
        return EXIT_USAGE;
    status = guest ? client_call("info", json_pack("{s:s}", "guest", guest), &o)
                   : client_call("host", NULL, &o);
    if (status)
        return status;
    if (json)
        return print_json(o);
    if (guest)
        print_guest(o);
    else
        print_host(o);
    json_decref(o);
    return EXIT_OK;
}
