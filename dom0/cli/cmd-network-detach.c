#include "dom0/cli/cli.h"

int cmd_network_detach(int argc, char **argv)
{
    bool force = false;
    const struct opt opts[] = {{"force", 'f', &force, NULL}, {0}};
    const char *args[2];

    if (options_take(opts, argc, argv, args, 2, 2) < 0)
        return EXIT_USAGE;
    return client_call("network-detach",
                       json_pack("{s:s,s:s,s:b}", "guest", args[0], "device",
                                 args[1], "force", force),
                       NULL);
}
