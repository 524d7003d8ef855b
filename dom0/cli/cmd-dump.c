/* A guest's memory into a file, for crash(8). */
#include "dom0/cli/cli.h"

#include "dom0/debug/dump.h"

#include <signal.h>
#include <stdio.h>

static int dump(struct target *t, const char *path)
{
    uint64_t nr_pages = 0;
    int rc = dump_to_file(t, path, &nr_pages);

    if (rc) {
        say_error("%s: %s", path, dump_problem(rc));
        return EXIT_FAILED;
    }
    if (!client_quiet)
        fprintf(stderr, "%s: %llu MiB\n", path,
                (unsigned long long)nr_pages / 256);
    return EXIT_OK;
}

int cmd_dump(int argc, char **argv)
{
    const struct opt opts[] = {{"quiet", 'q', &client_quiet, NULL}, {0}};
    const char *args[2];
    struct target *t;
    int status;

    if (options_take(opts, argc, argv, args, 2, 2) < 0)
        return EXIT_USAGE;
    status = guest_target(args[0], &t);
    if (status)
        return status;
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error */
    status = dump(t, args[1]);
    target_close(t);
    return status;
}
