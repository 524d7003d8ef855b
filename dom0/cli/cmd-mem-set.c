#include "dom0/cli/cli.h"

int cmd_mem_set(int argc, char **argv)
{
    const struct opt opts[] = {{0}};
    const char *args[2];
    long long kib;

    if (options_take(opts, argc, argv, args, 2, 2) < 0)
        return EXIT_USAGE;
    kib = parse_size_kib(args[1]);
    if (kib < 0) {
        say_error("\"%s\" is no size; 512M or 2G is", args[1]);
        return EXIT_USAGE;
    }
    return client_call(
        "mem-set",
        json_pack("{s:s,s:I}", "guest", args[0], "kib", (json_int_t)kib), NULL);
}
