#include "dom0/cli/cli.h"

#include <stdio.h>

int cmd_block_attach(int argc, char **argv)
{
    bool json = false;
    const struct opt opts[] = {{"json", 0, &json, NULL}, {0}};
    const char *args[2] = {NULL, ""};
    json_t *result;
    int status;

    if (options_take(opts, argc, argv, args, 2, 2) < 0)
        return EXIT_USAGE;
    status = client_call(
        "block-attach",
        json_pack("{s:s,s:s}", "guest", args[0], "device", args[1]), &result);
    if (status)
        return status;
    if (json)
        return print_json(result);
    printf("disk %s attached\n", get_string(result, "vdev"));
    json_decref(result);
    return EXIT_OK;
}
