#include "dom0/cli/cli.h"

#include <stdlib.h>

int cmd_vcpu_set(int argc, char **argv)
{
    const struct opt opts[] = {{0}};
    const char *args[2];
    char *end;
    long n;

    if (options_take(opts, argc, argv, args, 2, 2) < 0)
        return EXIT_USAGE;
    n = strtol(args[1], &end, 10);
    if (*end || n < 1 || n > 4096) {
        say_error("\"%s\" is no number of vcpus", args[1]);
        return EXIT_USAGE;
    }
    return client_call(
        "vcpu-set",
        json_pack("{s:s,s:I}", "guest", args[0], "vcpus", (json_int_t)n), NULL);
}
