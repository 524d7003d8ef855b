#include "dom0/cli/cli.h"

#include <stdio.h>

int cmd_dmesg(int argc, char **argv)
{
    bool json = false, clear = false;
    const struct opt opts[] = {
        {"json", 0, &json, NULL}, {"clear", 'c', &clear, NULL}, {0}};
    json_t *result;
    int status;

    if (options_take(opts, argc, argv, NULL, 0, 0) < 0)
        return EXIT_USAGE;
    status = client_call("dmesg", json_pack("{s:b}", "clear", clear), &result);
    if (status)
        return status;
    if (json)
        return print_json(result);
    fputs(get_string(result, "log"), stdout);
    json_decref(result);
    return EXIT_OK;
}
