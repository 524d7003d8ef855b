#include "dom0/cli/cli.h"

int cmd_pause(int argc, char **argv)
{
    const struct opt opts[] = {{0}};
    const char *guest;

    if (options_take(opts, argc, argv, &guest, 1, 1) < 0)
        return EXIT_USAGE;
    return client_guest_call("pause", guest);
}
