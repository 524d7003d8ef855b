#include "dom0/cli/cli.h"

#include <stdio.h>

int cmd_network_attach(int argc, char **argv)
{
    bool json = false;
    const struct opt opts[] = {{"json", 0, &json, NULL}, {0}};
    const char *args[2] = {NULL, ""};
    json_t *result;
    int status;

    if (options_take(opts, argc, argv, args, 1, 2) < 0)
        return EXIT_USAGE;
    status = client_call(
        "network-attach",
        json_pack("{s:s,s:s}", "guest", args[0], "device", args[1]), &result);
    if (status)
        return status;
    if (json)
        return print_json(result);
    printf("network card %lld attached, %s\n",
           (long long)get_int(result, "devid"), get_string(result, "mac"));
    json_decref(result);
    return EXIT_OK;
}
