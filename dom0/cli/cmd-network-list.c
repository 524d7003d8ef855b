#include "dom0/cli/cli.h"

#include <stdio.h>

int cmd_network_list(int argc, char **argv)
{
    bool json = false;
    const struct opt opts[] = {{"json", 0, &json, NULL}, {0}};
    json_t *result, *n;
    char address[64];
    int status;
    size_t i;

    if (options_take(opts, argc, argv, NULL, 0, 0) < 0)
        return EXIT_USAGE;
    status = client_call("networks", NULL, &result);
    if (status)
        return status;
    if (json)
        return print_json(result);
    printf("%-20s %-10s %-15s %-20s %s\n", "Name", "Type", "Bridge", "Address",
           "DHCP");
    json_array_foreach(json_object_get(result, "networks"), i, n)
    {
        snprintf(address, sizeof(address), "-");
        if (*get_string(n, "address"))
            snprintf(address, sizeof(address), "%s/%lld",
                     get_string(n, "address"), (long long)get_int(n, "prefix"));
        printf("%-20s %-10s %-15s %-20s %s\n", get_string(n, "name"),
               get_string(n, "type"), get_string(n, "bridge"), address,
               json_is_true(json_object_get(n, "dhcp")) ? "yes" : "no");
    }
    json_decref(result);
    return EXIT_OK;
}
