#include "dom0/cli/cli.h"

#include <stdio.h>
#include <string.h>

static bool is_wanted(const json_t *g, const char **names, int nr)
{
    char domid[24];
    int i;

    snprintf(domid, sizeof(domid), "%lld", (long long)get_int(g, "domid"));
    for (i = 0; i < nr; i++)
        if (!strcmp(names[i], get_string(g, "name")) ||
            !strcmp(names[i], domid) ||
            !strcmp(names[i], get_string(g, "uuid")))
            return true;
    return nr == 0;
}

static void print_guest(const json_t *g)
{
    const json_t *domid = json_object_get(g, "domid");
    char id[24] = "-";

    if (json_is_integer(domid))
        snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(domid));
    printf("%-24s %5s %9lld %5lld  %-10s %10.1f\n", get_string(g, "name"), id,
           (long long)get_int(g, "memory_kib") / 1024,
           (long long)get_int(g, "vcpus"), get_string(g, "state"),
           (double)get_int(g, "cpu_ns") / 1e9);
}

int cmd_list(int argc, char **argv)
{
    bool json = false, names = false;
    const struct opt opts[] = {
        {"json", 0, &json, NULL}, {"names", 'n', &names, NULL}, {0}};
    const char *args[64];
    int nr = options_take(opts, argc, argv, args, 0, 64), found = 0;
    json_t *result, *shown, *g;
    int status;
    size_t i;

    if (nr < 0)
        return EXIT_USAGE;
    status = client_call("list", NULL, &result);
    if (status)
        return status;
    shown = json_array();
    json_array_foreach(json_object_get(result, "guests"), i, g)
    {
        if (is_wanted(g, args, nr)) {
            json_array_append(shown, g);
            found++;
        }
    }
    json_decref(result);
    status = nr && !found ? EXIT_ABSENT : EXIT_OK;
    if (status)
        say_error("there is no such guest");
    if (json) {
        print_json(shown);
        return status;
    }
    if (!names && !status)
        printf("%-24s %5s %9s %5s  %-10s %10s\n", "Name", "ID", "Mem(MiB)",
               "VCPUs", "State", "Time(s)");
    json_array_foreach(shown, i, g)
    {
        if (names)
            puts(get_string(g, "name"));
        else
            print_guest(g);
    }
    json_decref(shown);
    return status;
}
