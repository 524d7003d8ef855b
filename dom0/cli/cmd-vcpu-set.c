#include "dom0/cli/cli.h"

int cmd_vcpu_set(int argc, char **argv)
{
    const struct opt opts[] = {{0}};
    const char *args[2];
    long n;

    if (options_take(opts, argc, argv, args, 2, 2) < 0)
        return EXIT_USAGE;
    n = parse_number(args[1], 1, 4096);
    if (n < 0) {
        say_error("\"%s\" is no number of vcpus", args[1]);
        return EXIT_USAGE;
    }
    return client_call(
        "vcpu-set",
        json_pack("{s:s,s:I}", "guest", args[0], "vcpus", (json_int_t)n), NULL);
}
