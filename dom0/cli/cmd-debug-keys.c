#include "dom0/cli/cli.h"

int cmd_debug_keys(int argc, char **argv)
{
    const struct opt opts[] = {{0}};
    const char *keys;

    if (options_take(opts, argc, argv, &keys, 1, 1) < 0)
        return EXIT_USAGE;
    return client_call("debug-keys", json_pack("{s:s}", "keys", keys), NULL);
}
