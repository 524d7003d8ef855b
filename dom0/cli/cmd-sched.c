#include "dom0/cli/cli.h"

#include <stdio.h>

/* One row a vcpu; what is the domain's stands in the first. */
static void print_domain(const json_t *d)
{
    json_t *v;
    size_t i;

    json_array_foreach(json_object_get(d, "vcpus"), i, v)
    {
        if (i == 0)
            printf("%-24s %5lld %6lld %5lld", get_string(d, "name"),
                   (long long)get_int(d, "domid"),
                   (long long)get_int(d, "weight"),
                   (long long)get_int(d, "cap"));
        else
            printf("%43s", "");
        printf(" %5lld %4lld  %-8s %10.1f  %-10s %s\n",
               (long long)get_int(v, "vcpu"), (long long)get_int(v, "cpu"),
               get_string(v, "state"), (double)get_int(v, "cpu_ns") / 1e9,
               get_string(v, "hard"), get_string(v, "soft"));
    }
}

static int print_all(json_t *result, bool json)
{
    json_t *domains = json_object_get(result, "domains"), *d;
    size_t i;

    if (json)
        return print_json(json_incref(domains));
    printf("%-24s %5s %6s %5s %5s %4s  %-8s %10s  %-10s %s\n", "Name", "ID",
           "Weight", "Cap", "VCPU", "CPU", "State", "Time(s)", "Hard", "Soft");
    json_array_foreach(domains, i, d) print_domain(d);
    return EXIT_OK;
}

/* An option's number into the call; false, and said, when it is none. */
static bool add_number(json_t *params, const char *name, const char *text,
                       long min, long max)
{
    long n;

    if (!text)
        return true;
    n = parse_number(text, min, max);
    if (n < 0) {
        say_error("\"%s\" is no %s; %ld to %ld are", text, name, min, max);
        return false;
    }
    json_object_set_new(params, name, json_integer(n));
    return true;
}

static void add_text(json_t *params, const char *name, const char *text)
{
    if (text)
        json_object_set_new(params, name, json_string(text));
}

int cmd_sched(int argc, char **argv)
{
    const char *weight = NULL, *cap = NULL, *vcpu = NULL;
    const char *hard = NULL, *soft = NULL, *guest = NULL;
    bool json = false;
    const struct opt opts[] = {{"weight", 'w', NULL, &weight},
                               {"cap", 'c', NULL, &cap},
                               {"vcpu", 'v', NULL, &vcpu},
                               {"cpus", 0, NULL, &hard},
                               {"soft", 0, NULL, &soft},
                               {"json", 0, &json, NULL},
                               {0}};
    bool change;
    json_t *params, *result;
    int status;

    if (options_take(opts, argc, argv, &guest, 0, 1) < 0)
        return EXIT_USAGE;
    change = weight || cap || hard || soft;
    if ((change && !guest) || (vcpu && !hard && !soft)) {
        say_error(guest ? "--vcpu is for --cpus and --soft"
                        : "say whose share is to change");
        return EXIT_USAGE;
    }
    params = json_object();
    add_text(params, "guest", guest);
    add_text(params, "hard", hard);
    add_text(params, "soft", soft);
    if (!add_number(params, "weight", weight, 1, 65535) ||
        !add_number(params, "cap", cap, 0, 65535) ||
        !add_number(params, "vcpu", vcpu, 0, 4095)) {
        json_decref(params);
        return EXIT_USAGE;
    }
    status = client_call("sched", params, &result);
    if (status)
        return status;
    if (json || !change)
        status = print_all(result, json);
    json_decref(result);
    return status;
}
