#include "dom0/cli/cli.h"

#include <stdio.h>

int cmd_version(int argc, char **argv)
{
    bool json = false;
    const struct opt opts[] = {{"json", 0, &json, NULL}, {0}};
    json_t *result = NULL;
    int status;

    if (options_take(opts, argc, argv, NULL, 0, 0) < 0)
        return EXIT_USAGE;
    if (!json)
        puts("pvn (Paravane) " PARAVANE_VERSION);
    status = client_call("version", NULL, &result);
    if (status)
        return status;
    json_object_set_new(result, "pvn", json_string(PARAVANE_VERSION));
    if (json)
        return print_json(result);
    printf("pvnd %s, pid %lld, up %lld s\n", get_string(result, "pvnd"),
           (long long)get_int(result, "pid"),
           (long long)get_int(result, "up_seconds"));
    json_decref(result);
    return EXIT_OK;
}
